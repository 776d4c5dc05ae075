import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { listen, programName } from '../../../src/http/listen.ts';

describe('the program that has a port', () => {
  test.runIf(process.platform === 'linux')(
    'is named as it was started, not as its thread',
    async () => {
      const code =
        "require('net').createServer().listen(0,'127.0.0.1',function(){console.log(this.address().port)})";
      const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        const [told] = await once(child.stdout, 'data');
        const port = Number(String(told));
        await expect(listen(createServer(), port)).rejects.toThrow(
          `Port ${port} cannot be used: node (process ${child.pid}) has it.`,
        );
      } finally {
        child.kill();
      }
    },
  );

  test.each([
    [['/usr/bin/node', '--inspect', '/srv/app/server.js', '--port', '1', ''], 'node server.js'],
    [['/usr/sbin/nginx', ''], 'nginx'],
    [['nginx: master process /usr/sbin/nginx'], 'nginx'],
    [['node', '-e', 'listen()'], 'node'],
    [['node', ''], 'node'],
    [[''], undefined],
  ])('%j is called %s', (argv, name) => {
    expect(programName(argv)).toBe(name);
  });
});
