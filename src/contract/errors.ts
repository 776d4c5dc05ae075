import { z } from 'zod';

/** Every error code that a caller can see, with the HTTP status that it is answered with. */
export const errorStatus = {
  token_missing: 401,
  token_invalid: 401,
  role_required: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict_state: 409,
  stale: 412,
  precondition_required: 428,
  payload_too_large: 413,
  unsupported_media_type: 415,
  validation_error: 422,
  contains_secret: 422,
  idempotency_mismatch: 422,
  rate_limited: 429,
  lockdown: 503,
  not_writer: 503,
  host_refused: 403,
  origin_refused: 403,
  path_refused: 403,
  approval_invalid: 403,
  approval_consumed: 409,
  approval_expired: 409,
  draft_id_not_runnable: 403,
  editor_required: 409,
  step_unsupported: 422,
  provider_error: 502,
  storage_full: 507,
  storage_error: 503,
  audit_unavailable: 503,
  internal: 500,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof errorStatus;

export const ErrorCodeSchema = z.enum(Object.keys(errorStatus) as [ErrorCode, ...ErrorCode[]]);

/** One thing that did not fit. `loc` starts with `body`, `query` or `path`; the input is never echoed. */
export const Issue = z.object({
  type: z.string(),
  loc: z.array(z.union([z.string(), z.number()])),
  msg: z.string(),
});
export type Issue = z.infer<typeof Issue>;

/** The body of every error response. */
export const ErrorBody = z.object({
  detail: z.union([z.string(), z.array(Issue)]),
  code: ErrorCodeSchema,
  correlation_id: z.string(),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

interface ErrorExtras {
  /** What did not fit, for `validation_error`. */
  issues?: readonly Issue[];
  /** Whole seconds after which a retry makes sense. */
  retryAfter?: number;
  /** The HTTP status, where the contract asks for another than the code has. */
  status?: number;
  cause?: unknown;
}

/**
 * The one error that crosses a boundary: thrown by core, turned into a status and a body by http, into a
 * message by the editor and the command line, and thrown again by the typed client on the far side.
 */
export class GimoError extends Error {
  readonly code: ErrorCode;
  /** The HTTP status that it is answered with. */
  readonly status: number;
  readonly issues: readonly Issue[] | undefined;
  readonly retryAfter: number | undefined;

  /**
   * @param code one of the closed list
   * @param message what happened, why, and what to do next; holds no secret and no input
   */
  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = 'GimoError';
    this.code = code;
    this.status = extras.status ?? errorStatus[code];
    this.issues = extras.issues;
    this.retryAfter = extras.retryAfter;
  }

  /** Tells whether something thrown is a `GimoError`, and with `code` whether it is that one. */
  static is(error: unknown, code?: ErrorCode): error is GimoError {
    return error instanceof GimoError && (code === undefined || error.code === code);
  }
}

/**
 * The error for one thing that does not fit.
 * @param loc where it stands, see {@link Issue}
 */
export const validationError = (loc: Issue['loc'], msg: string, type = 'value_error'): GimoError =>
  new GimoError('validation_error', msg, { issues: [{ type, loc, msg }] });
