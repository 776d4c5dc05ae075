import type { ErrorRequestHandler, Response } from 'express';
import { type ErrorBody, GimoError } from '../contract/errors.ts';
import type { Panic } from '../core/panic.ts';
import type { Logger } from '../core/ports.ts';
import type { Redactor } from '../core/redaction.ts';

/** Turns whatever was thrown into the one error of the contract, or null if it is nobody's fault but ours. */
export function toGimoError(error: unknown): GimoError | null {
  if (GimoError.is(error)) return error;
  // What the router throws for a path that holds no readable text.
  if (error instanceof URIError)
    return new GimoError('not_found', 'There is nothing at this address.');
  return null;
}

/** Answers an error in the one shape that errors have. */
function sendError(response: Response, error: GimoError, correlationId: string): void {
  const body: ErrorBody = {
    detail: error.issues === undefined ? error.message : [...error.issues],
    code: error.code,
    correlation_id: correlationId,
  };
  if (error.status === 401) response.set('WWW-Authenticate', 'Bearer');
  if (error.retryAfter !== undefined && !response.hasHeader('Retry-After'))
    response.set('Retry-After', String(error.retryAfter));
  response.status(error.status).json(body);
}

/** The one place where an error becomes a response. What nobody expected says no more than its correlation id. */
export function errorHandler(
  logger: Logger,
  redactor: Redactor,
  panic: Pick<Panic, 'unhandledError'>,
): ErrorRequestHandler {
  return async (error, _request, response, next) => {
    const correlationId = String(response.getHeader('X-Correlation-ID') ?? '');
    const told = toGimoError(error);
    if (told === null) {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      logger.log('error', redactor.redact(stack), { correlation_id: correlationId });
      await panic.unhandledError(correlationId);
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
