import { constants } from 'node:fs';

// Windows knows neither.
const noFollow = constants.O_NOFOLLOW ?? 0;
const noWait = constants.O_NONBLOCK ?? 0;

/** Opens what is there to be read: follows no link at its end, and does not wait for one who writes into a pipe. */
export const readOnly: number = constants.O_RDONLY | noFollow | noWait;
