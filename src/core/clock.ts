/** Milliseconds since 1970, UTC. */
export interface Clock {
  now(): number;
}

/** Now, as records tell the time (ISO 8601, UTC). */
export const timestamp = (clock: Clock): string => new Date(clock.now()).toISOString();
