/** Whether this is what undici, which is Node's fetch, throws when a connection fails or breaks off. */
export function isNetworkError(error: unknown): error is TypeError {
  return (
    error instanceof TypeError &&
    (error.message === 'fetch failed' || error.message === 'terminated')
  );
}
