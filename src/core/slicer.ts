/**
 * For long work on the event loop: resolves at once while little time has passed, and lets everything else have its
 * turn after `sliceMs` milliseconds.
 */
export function createSlicer(sliceMs = 2): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < sliceMs) return;
    await new Promise((resolve) => setImmediate(resolve));
    began = performance.now();
  };
}
