import { type RequestHandler, Router } from 'express';
import type { z } from 'zod';
import { type Attached, type AttachNonce, AttachRequest } from '../contract/attach.ts';
import { GimoError } from '../contract/errors.ts';
import { raw } from '../contract/raw.ts';
import type { Panic } from '../core/panic.ts';
import type { Logger } from '../core/ports.ts';
import { readBody } from './body.ts';
import { takesOnly } from './errors.ts';
import { foundOf, limitRate } from './middleware.ts';
import { bearerToken } from './rules.ts';
import { nonceSeconds, type Sessions } from './sessions.ts';

/**
 * Where a window of an editor attaches. It comes before the question who calls, as the answer is who it is; so a lockdown
 * that turns strangers away lets a window in, and a person can end the lockdown there. A wrong answer counts like an
 * invalid token, and there is a budget of its own for all of it.
 */
export function attachRouter(
  sessions: Pick<Sessions, 'nonce' | 'attach'>,
  panic: Pick<Panic, 'invalidToken'>,
  logger: Logger,
): Router {
  const router = Router({ caseSensitive: true });
  const { path } = raw.attach;
  router.use(path, limitRate(100, 60));
  router.get(path, (_request, response) => {
    const told: z.infer<typeof AttachNonce> = {
      nonce: sessions.nonce(),
      expires_in: nonceSeconds,
    };
    response.json(told);
  });
  router.post(path, readBody, async (request, response) => {
    const { correlationId } = foundOf(request);
    const asked = AttachRequest.safeParse(request.body);
    if (!asked.success) throw unfit(asked.error);
    try {
      const { token, principal } = sessions.attach(asked.data);
      const { actor } = principal;
      logger.log('info', 'A window attached.', { actor, correlation_id: correlationId });
      const told: z.infer<typeof Attached> = { token, actor };
      response.json(told);
    } catch (error) {
      if (GimoError.is(error, 'token_invalid')) await panic.invalidToken(correlationId);
      throw error;
    }
  });
  router.all(path, takesOnly('GET', 'POST'));
  return router;
}

/** A session lasts while one of its requests is under way: the event stream of a window is one that goes on. */
export function keepSession(sessions: Pick<Sessions, 'hold'>): RequestHandler {
  return (request, response, next) => {
    const token = bearerToken(request.headers.authorization);
    if (token !== null) response.on('close', sessions.hold(token));
    next();
  };
}

function unfit(error: z.ZodError) {
  const issues = error.issues.map(({ code, path, message }) => ({
    type: code,
    loc: ['body', ...path.filter((part) => typeof part !== 'symbol')],
    msg: message,
  }));
  return new GimoError('validation_error', 'The request does not fit.', { issues });
}
