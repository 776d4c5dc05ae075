import type { Answer, CallOptions } from '../contract/operation.ts';

/** Calls with this are refused (`stale`) if what was answered is not what is there any more. */
export const unchangedSince = ({ etag }: Pick<Answer<unknown>, 'etag'>): CallOptions =>
  etag === undefined ? {} : { ifMatch: etag };
