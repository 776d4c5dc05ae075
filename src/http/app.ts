import type { RequestListener } from 'node:http';
import express from 'express';
import { GimoError, validationError } from '../contract/errors.ts';
import { actionsPath } from '../contract/openapi.ts';
import { proofText } from '../contract/proof.ts';
import { raw } from '../contract/raw.ts';
import type { Core } from '../core/core.ts';
import type { Ledger } from '../core/ledger-ports.ts';
import type { Logger } from '../core/ports.ts';
import type { Redactor } from '../core/redaction.ts';
import { attachRouter, keepSession } from './attach.ts';
import { errorHandler, takesOnly } from './errors.ts';
import { eventStream } from './events.ts';
import { mcpEndpoint } from './mcp.ts';
import {
  checkHost,
  checkOrigin,
  correlate,
  foundOf,
  identify,
  limitRate,
  requireToken,
} from './middleware.ts';
import { operationsRouter } from './router.ts';
import { originForm, queryOf } from './rules.ts';
import type { Sessions } from './sessions.ts';
import type { Tokens } from './tokens.ts';

export interface AppPorts {
  core: Core;
  ledger: Pick<Ledger, 'mac'>;
  tokens: Pick<Tokens, 'authenticate' | 'wasValid' | 'onRetired'>;
  /** The windows that are attached; {@link AppPorts.tokens} know their tokens too. */
  sessions: Sessions;
  port: () => number;
  /** Where clients outside reach the server; null: nowhere but here. */
  publicUrl?: (() => string | null) | undefined;
  /** The fencing epoch: it makes the ids of events of one server differ from those of the next. */
  epoch: number;
  /** Aborted when the server stops. */
  stopping: AbortSignal;
  /** The origins of web pages that may call. */
  corsOrigins: () => readonly string[];
  rate: { perWindow: number; windowSeconds: number };
  logger: Logger;
  version: string;
}

/** The HTTP edge. The order is that of DESIGN section 6, and everything happens before a body is read. */
export function createApp(ports: AppPorts): RequestListener {
  const { core, logger } = ports;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // Query strings are read by the operation table's types, not by express.
  app.set('query parser', false);
  app.use(
    correlate,
    accessLog(logger, core.redactor),
    checkHost(ports.port, ports.publicUrl),
    checkOrigin(ports.corsOrigins),
  );
  app.get(['/', raw.getHealth.path], health(ports));
  app.all(['/', raw.getHealth.path], takesOnly('GET'));
  app.use(attachRouter(ports.sessions, core.panic, logger));
  app.use(identify(ports.tokens, core.panic, core.redactor));
  app.use(limitRate(ports.rate.perWindow, ports.rate.windowSeconds));
  app.use(requireToken, keepSession(ports.sessions));
  app.get(
    raw.streamEvents.path,
    eventStream(core, ports.epoch, ports.stopping, ports.tokens.onRetired),
  );
  app.all(raw.streamEvents.path, takesOnly('GET'));
  app.post(raw.callTools.path, mcpEndpoint(core, ports));
  app.all(raw.callTools.path, takesOnly('POST'));
  app.use(actionsPath, operationsRouter(core, 'actions'));
  app.use(operationsRouter(core));
  app.use(() => {
    throw new GimoError('not_found', 'There is nothing at this address.');
  });
  app.use(errorHandler(logger, core));
  return (request, response) => {
    // Express answers a target that it cannot read by itself, before any middleware: it must not get one.
    request.url = originForm(request.url ?? '/');
    app(request, response);
  };
}

/** Public. With a challenge it also proves that this server holds the ledger's key, before anyone sends it a token. */
function health({ ledger, port }: AppPorts): express.RequestHandler {
  return (request, response) => {
    const nonce = queryOf(request.originalUrl).get('challenge');
    if (nonce === null) {
      response.json({ status: 'ok' });
      return;
    }
    if (!/^[0-9a-f]{32,64}$/i.test(nonce))
      throw validationError(
        ['query', 'challenge'],
        'A challenge is 32 to 64 hex digits.',
        'string_pattern_mismatch',
      );
    // The address is our own, not the Host header: a program that passes the question on cannot use the answer.
    const proof = ledger.mac('proof', proofText(nonce, `127.0.0.1:${port()}`));
    response.json({ status: 'ok', proof });
  };
}

/**
 * A line a request in the program's log: never the query, which can hold a prompt. Secrets go before the path is cut, or
 * half of one could stay.
 */
function accessLog(
  logger: Logger,
  redactor: Pick<Redactor, 'redactKnown'>,
): express.RequestHandler {
  return (request, response, next) => {
    const began = performance.now();
    response.on('close', () => {
      const { correlationId, principal } = foundOf(request);
      const path = redactor.redactKnown(request.path).slice(0, 200);
      logger.log('debug', `${request.method} ${path}`, {
        status: response.statusCode,
        ms: Math.round(performance.now() - began),
        actor: principal?.actor ?? null,
        correlation_id: correlationId,
      });
    });
    next();
  };
}
