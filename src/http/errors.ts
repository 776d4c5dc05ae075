import type { ErrorRequestHandler, Response } from 'express';
import { z } from 'zod';
import { type ErrorBody, errorStatus, GimoError } from '../contract/errors.ts';
import type { Logger } from '../core/ports.ts';
import type { Redactor } from '../core/redaction.ts';

/** What express and its body parser throw: a status, and a `type` that says which rule was broken. */
const Thrown = z.looseObject({ status: z.int().min(400).max(499), type: z.string().optional() });

/** Turns whatever was thrown into the one error of the contract, or null if it is nobody's fault but ours. */
export function toGimoError(error: unknown): GimoError | null {
  if (GimoError.is(error)) return error;
  const thrown = Thrown.safeParse(error).data;
  if (thrown === undefined) return null;
  if (thrown.type === 'entity.too.large')
    return new GimoError('payload_too_large', 'The body is larger than 1 MiB. Send less.');
  if (thrown.status === 415)
    return new GimoError('unsupported_media_type', 'The body must be JSON in UTF-8.');
  // What the router throws for a path that holds no readable text.
  if (error instanceof URIError)
    return new GimoError('not_found', 'There is nothing at this address.');
  const msg = 'The body is not JSON that can be read whole.';
  return new GimoError('validation_error', msg, {
    issues: [{ type: 'json_invalid', loc: ['body'], msg }],
  });
}

/** Answers an error in the one shape that errors have. */
export function sendError(response: Response, error: GimoError, correlationId: string): void {
  const body: ErrorBody = {
    detail: error.code === 'validation_error' ? [...(error.issues ?? [])] : error.message,
    code: error.code,
    correlation_id: correlationId,
  };
  if (errorStatus[error.code] === 401) response.set('WWW-Authenticate', 'Bearer');
  if (error.retryAfter !== undefined && !response.hasHeader('Retry-After'))
    response.set('Retry-After', String(error.retryAfter));
  response.status(errorStatus[error.code]).json(body);
}

/** The one place where an error becomes a response. What nobody expected says no more than its correlation id. */
export function errorHandler(logger: Logger, redactor: Redactor): ErrorRequestHandler {
  return (error, _request, response, next) => {
    const correlationId = String(response.getHeader('X-Correlation-ID') ?? '');
    const told = toGimoError(error);
    if (told === null) {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      logger.log('error', redactor.redact(stack), { correlation_id: correlationId });
    } else if (told.cause !== undefined) {
      logger.log('warn', redactor.redact(`${told.message} (${String(told.cause)})`), {
        correlation_id: correlationId,
      });
    }
    // A response that has begun cannot be taken back: express then ends the connection.
    if (response.headersSent) return next(error);
    const answer =
      told ??
      new GimoError(
        'internal',
        'Something went wrong inside GIMO. The log has more under this id.',
      );
    sendError(response, answer, correlationId);
  };
}
