import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { type ErrorBody, GimoError } from '../contract/errors.ts';
import type { Core } from '../core/core.ts';
import type { Logger } from '../core/ports.ts';

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
  core: Pick<Core, 'redactor' | 'panic'>,
): ErrorRequestHandler {
  return async (error, _request, response, next) => {
    const correlationId = String(response.getHeader('X-Correlation-ID') ?? '');
    const told = toGimoError(error);
    const answer = told ?? (await unexpected(error, correlationId, logger, core));
    if (told?.cause !== undefined) {
      const said = core.redactor.redact(`${told.message} (${String(told.cause)})`);
      logger.log('warn', said, { correlation_id: correlationId });
    }
    // A response that has begun cannot be taken back: express then ends the connection.
    if (response.headersSent) return next(error);
    sendError(response, answer, correlationId);
  };
}

/** Notes an error that nobody expected, which counts toward a lockdown. @returns what the caller is told */
export async function unexpected(
  error: unknown,
  correlationId: string,
  logger: Logger,
  { redactor, panic }: Pick<Core, 'redactor' | 'panic'>,
): Promise<GimoError> {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  logger.log('error', redactor.redact(stack), { correlation_id: correlationId });
  await panic.unhandledError(correlationId);
  const says = 'Something went wrong inside GIMO. The log has more under this id.';
  return new GimoError('internal', says);
}

/** Refuses every method but these, which have their routes before. */
export const takesOnly =
  (...methods: string[]): RequestHandler =>
  (_request, response) => {
    response.set('Allow', methods.join(', '));
    throw new GimoError('method_not_allowed', `This address takes ${methods.join(' and ')}.`);
  };
