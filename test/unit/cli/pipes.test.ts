import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { mindBrokenPipes } from '../../../src/cli/pipes.ts';

test('a reader of the answer that goes away ends the command; one of the log does not', () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const exits: number[] = [];
  mindBrokenPipes(stdout, stderr, (code) => exits.push(code));
  const broken = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
  stderr.emit('error', broken);
  expect(exits).toEqual([]);
  stdout.emit('error', broken);
  expect(exits).toEqual([1]);
  expect(() => stdout.emit('error', new Error('another'))).toThrow('another');
  expect(() => stderr.emit('error', new Error('another'))).toThrow('another');
});
