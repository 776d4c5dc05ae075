import fc from 'fast-check';

/* What hostile requests are made of. */

/** A text that leads out of a folder, in the ways that have got around somebody's check. */
const up = fc.constantFrom(
  ...['../', '..%2f', '%2e%2e/', '%2e%2e%2f', '%2E%2E%2F', '%252e%252e%252f', '%25%32%65%2e%2f'],
  ...['..\\', '..%5c', '%2e%2e%5c', '..%255c', '%c0%ae%c0%ae%c0%af', '%c0%2e%c0%2e/', '..%c0%af'],
  ...['%e0%80%ae%e0%80%ae%e0%80%af', '%f0%80%80%ae/', '..;/', '....//', '.%00./', '%uff0e%uff0e/'],
  ...['..%u2215', '%ef%bc%8e%ef%bc%8e%ef%bc%8f', './../', '//../', '/%2f..%2f', '.\u{200d}./'],
);
const goal = fc.constantFrom(
  ...['.env', 'outside.txt', '.orch_data/ops/provider.json', '.git/config', 'etc/passwd', ''],
  ...['config/ledger.json', 'a.txt', '.orch_data/owner.json', 'ops/drafts/d_1_abcdef.json'],
);
const traversal = fc
  .tuple(fc.array(up, { minLength: 1, maxLength: 8 }), goal)
  .map(([ups, end]) => ups.join('') + end);

const odd = fc.constantFrom(
  ...[
    '',
    ' ',
    '.',
    '*',
    '%',
    '%%',
    '%zz',
    '%00',
    '\0',
    '%FF%FE',
    '%ED%A0%80',
    '\u{feff}',
    '\ud800',
  ],
  ...['NaN', 'Infinity', '-1', '1e999', '0x10', '9'.repeat(400), 'true', 'null', 'undefined', '[]'],
  ...['a'.repeat(300), 'a'.repeat(5000), `d_1_${'a'.repeat(300)}`, `r_1_${'0'.repeat(5000)}`],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '(((',
    '(a+)+$',
    '--help',
    '--output=x',
    'HEAD..@{u}',
  ],
  ...['$' + '{env:ORCH_TOKEN}', '%0d%0aX-Evil: 1', '<script>', "' OR 1=1 --", 'file:///etc/passwd'],
);
export const words = fc.oneof(
  { weight: 4, arbitrary: odd },
  { weight: 3, arbitrary: traversal },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);

/** A JSON value as text, or what looks like one. */
export const literal = fc.oneof(
  {
    weight: 120,
    arbitrary: fc.constantFrom(
      ...['NaN', 'Infinity', '-Infinity', '1e999', '-0', '9007199254740993', '1.5', '-1', '0'],
      ...[
        'null',
        'true',
        '"true"',
        '[]',
        '{}',
        '""',
        '[null]',
        '[[]]',
        '{"":0}',
        'undefined',
        "'x'",
      ],
      ...['"\\ud800"', '"\\udc00x"', '{"\\ud800":1}', '"\\u0000"', '"a\\u0000b"', '"\\q"', '"\t"'],
      ...['{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}', '{"a":1,"a":2}', '"'],
      ...['[{"id":"s","kind":"prompt","text":"x"},{"id":"s","kind":"prompt","text":"x"}]'],
      ...['[{"id":"s","kind":"command","argv":["sh"]}]', '[{"kind":"gate"}]', '{"api_key":1}'],
      ...['{"x":{"type":"openai_compat","base_url":"http://a:b@c","model":"m"}}', '[1,2'],
      ...['[{"path":"../x","expires_at":"never"}]', '[{"path":"/etc"}]', `${'1'.repeat(10_000)}`],
      ...[`${'['.repeat(63)}${']'.repeat(63)}`, `${'['.repeat(5000)}${']'.repeat(5000)}`],
      ...[`${'{"a":'.repeat(300)}1${'}'.repeat(300)}`, '['.repeat(20_000), `"${'x'.repeat(5000)}"`],
      `[${'0,'.repeat(50_000)}0]`,
    ),
  },
  { weight: 40, arbitrary: words.map((text) => JSON.stringify(text)) },
  { weight: 20, arbitrary: fc.json({ maxDepth: 4 }) },
  // Just below and above what a body may hold; rare, for they take their time.
  {
    weight: 1,
    arbitrary: fc.constantFrom(1_000_000, 1_100_000).map((n) => `"${'x'.repeat(n)}"`),
  },
);

export const anyBody = fc.oneof(
  { weight: 3, arbitrary: literal },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      ' ',
      '{',
      '{"prompt":',
      'a=b&c=d',
      '\0\0\0',
      '<a/>',
      '{}{}',
      '\u{feff}',
    ),
  },
);

export const header = fc.constantFrom(
  ...[
    ...['', '*', '""', 'W/"x"', '"a", "b",, ,', `"${'x'.repeat(5000)}"`, '"\xff\xfe"', '"unclosed'],
    ...[
      '0-0',
      '-1--1',
      '9'.repeat(300),
      'NaN-NaN',
      '1-99999999999999999999',
      '../../x',
      '%00',
      '\t',
    ],
    ...[
      'a b',
      'x'.repeat(129),
      'x'.repeat(5000),
      '<script>',
      '\x80\x81',
      '{"a":1}',
      ','.repeat(1000),
    ],
  ].flatMap((value) =>
    ['If-Match', 'If-None-Match', 'Idempotency-Key', 'Last-Event-ID', 'X-Correlation-ID'].map(
      (name) => [name, value] as const,
    ),
  ),
  ...[
    ['Idempotency-Key', 'same'],
    ['Expect', '100-continue'],
    ['Expect', 'the worst'],
    ['Upgrade', 'websocket'],
    ['Range', 'bytes=-1'],
    ['Accept', 'text/nothing;q=x'],
    ['Accept-Encoding', 'bomb, *;q=9'],
    ['Origin', 'null'],
    ['Origin', 'https://evil.example'],
    ['Cookie', 'x='.repeat(2000)],
    ['X-Gimo-Source', 'editor'],
    ['X-HTTP-Method-Override', 'DELETE'],
    ['X-Forwarded-Host', 'evil.example'],
    ['X-Null', 'a\0b'],
    ['Bad Name', 'x'],
    ['X-Big', 'x'.repeat(120_000)],
    ['Content-Length', '-1'],
    ['Content-Length', '0x10'],
    ['Transfer-Encoding', 'gzip'],
    ['Transfer-Encoding', 'chunked, identity'],
  ].map(([name = '', value = '']) => [name, value] as const),
);

export const contentType = fc.oneof(
  { weight: 20, arbitrary: fc.constant('application/json') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...['text/plain', 'application/xml', 'multipart/form-data; boundary=x', '', 'json', '\xff'],
      ...[
        'application/json; charset=utf-16',
        'application/json;'.repeat(300),
        'application/json; charset="',
      ],
      'application/x-www-form-urlencoded',
    ),
  },
);

export const methods = fc.constantFrom(
  ...[
    'HEAD',
    'OPTIONS',
    'DELETE',
    'PATCH',
    'TRACE',
    'PROPFIND',
    'CONNECT',
    'get',
    'FOO',
    'M-SEARCH',
  ],
  ...['GET', 'POST', 'PUT', 'PRI', 'GET\t', 'QUERY'],
);
