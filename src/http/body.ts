import type { Request, RequestHandler } from 'express';
import { GimoError, validationError } from '../contract/errors.ts';
import { isJson } from './rules.ts';

/** The most that a body may hold, in bytes. */
const bodyLimit = 1_048_576;

/*
 * The usual body parser reads a body that is too large to its end before it says so, and puts another character where
 * bytes are no UTF-8, so that something else would be approved than what was sent. Hence our own.
 */

/**
 * Reads a JSON body into `request.body`; undefined if there is none.
 *
 * Throws `unsupported_media_type`; `payload_too_large` as soon as that shows, whatever is still to come;
 * `validation_error` for what is not whole JSON in UTF-8.
 */
export const readBody: RequestHandler = async (request, _response, next) => {
  const { 'transfer-encoding': chunked, 'content-length': length = '0' } = request.headers;
  if (chunked !== undefined || Number(length) > 0) {
    requireJson(request);
    if (Number(length) > bodyLimit) throw tooLarge();
    const bytes = await bytesOf(request);
    if (bytes.length > 0) request.body = parse(bytes);
  }
  next();
};

function requireJson({ headers }: Request) {
  const type = headers['content-type'];
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(type ?? '')?.[1] ?? 'utf-8';
  const encoding = headers['content-encoding'] ?? 'identity';
  if (isJson(type) && /^utf-?8$/i.test(charset) && /^identity$/i.test(encoding)) return;
  throw new GimoError(
    'unsupported_media_type',
    'The body must be plain JSON in UTF-8. Send it with Content-Type: application/json, not compressed.',
  );
}

const tooLarge = () =>
  new GimoError('payload_too_large', 'The body is larger than 1 MiB. Send less.');

const unreadable = (msg: string) => validationError(['body'], msg, 'json_invalid');

/** What is left of a body that is too large is not kept: node throws it away once the answer has been sent. */
function bytesOf(request: Request): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bodyLimit) chunks.push(chunk);
      else reject(tooLarge());
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    const cut = () => reject(unreadable('The body was cut off.'));
    request.on('error', cut).on('close', cut);
  });
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    // What the decoder throws for bytes that are no UTF-8, and the parser for what is no JSON.
    if (error instanceof TypeError) throw unreadable('The body is not UTF-8.');
    if (error instanceof SyntaxError) throw unreadable('The body is not JSON.');
    throw error;
  }
}
