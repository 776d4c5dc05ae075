import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createOutput, type Sink } from '../../../src/cli/output.ts';
import { showDraft, showRun } from '../../../src/cli/render.ts';
import { cutTo, widthOf } from '../../../src/cli/width.ts';
import { DraftRecord, RunRecord } from '../../../src/contract/records.ts';
import { visibleJson, visibleLine, visibleText } from '../../../src/contract/visible.ts';
import { draft, run } from './records.ts';

/** Text in which what is dangerous is frequent. */
const nasty = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '\u001b',
      '\u009b',
      '\r',
      '\b',
      '\u0007',
      '\u202e',
      '\u2066',
      '\u200b',
      '\ufeff',
    ),
    fc.constantFrom('\n', '\t', ' ', '\u00a0', '\ud800', '\u{e0041}', '漢', '🙂', 'e\u0301', '[2J'),
    fc.string({ unit: 'binary', maxLength: 1 }),
  ),
});
/* What must never reach a terminal: C0 and C1 but newline and tab, bidi controls, what is invisible. */
const forbidden = /[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u00a0\u115f\u3164]|\ufe0f/u;

function capture(columns?: number) {
  const written: string[] = [];
  const sink: Sink = {
    write: (text) => written.push(text),
    ...(columns === undefined ? {} : { isTTY: true, columns }),
  };
  return { out: createOutput(sink, { NO_COLOR: '1' }), text: () => written.join('') };
}

describe('text from a server', () => {
  test('loses every control but newline and tab, whatever it holds', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(visibleText(text)).not.toMatch(forbidden);
        expect(visibleLine(text)).not.toMatch(/[\n\t]/);
        expect(visibleJson({ [text]: text }, 2)).not.toMatch(forbidden);
      }),
    );
  });

  test('in JSON still parses to the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), nasty, (value, text) => {
        const whole = JSON.parse(JSON.stringify({ value, text }));
        expect(JSON.parse(visibleJson(whole, 2))).toEqual(whole);
        expect(visibleJson(whole, 0)).not.toContain('\n');
      }),
    );
  });

  test('is spelled as \\u{XXXX}', () => {
    expect(visibleText('a\u001b[2Jb\u202ec\u{e0041}d\re\n\tf')).toBe(
      'a\\u{001B}[2Jb\\u{202E}c\\u{E0041}d\\u{000D}e\n\tf',
    );
  });

  test('of a draft cannot repaint the terminal from any field, and every line keeps to its frame', () => {
    const steps = fc.constantFrom('prompt', 'command', 'edit', 'gate').chain((kind) =>
      nasty.map((text) => {
        const base = { id: `s${text}`.slice(0, 60), title: text, kind };
        if (kind === 'prompt') return { ...base, text: `t${text}` };
        if (kind === 'command') return { ...base, argv: [text, text], cwd: text };
        if (kind === 'gate') return base;
        return { ...base, changes: [{ path: `p${text}`, text, base_sha256: null }] };
      }),
    );
    fc.assert(
      fc.property(
        nasty,
        fc.array(steps, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 40, max: 120 }),
        (text, made, columns) => {
          const record = DraftRecord.parse(
            draft({
              ...{ id: text, prompt: text, content: text, provider: text, created_by: text },
              ...{ error: text, reject_reason: text, digest: text, created_at: text },
              context: { [text]: [text] },
              steps: made,
            }),
          );
          const { out, text: written } = capture(columns);
          showDraft(out, record);
          showRun(out, RunRecord.parse(run({ id: text, error: text })));
          expect(written()).not.toMatch(forbidden);
          for (const line of written().split('\n'))
            expect(widthOf(line)).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  test('of several lines cannot pass for a field: each line stands behind the gutter', () => {
    const { out, text } = capture(40);
    out.block(`one\n${' '.repeat(60)}digest ${'0'.repeat(40)}\ntwo`);
    for (const line of text().trimEnd().split('\n')) expect(line).toMatch(/^ {2}[│┆] /);
  });
});

describe('colours', () => {
  const painted = (sink: Partial<Sink>, env: Record<string, string>) => {
    let text = '';
    const write = (more: string) => {
      text += more;
    };
    createOutput({ ...sink, write }, env).line({ text: 'x\u001b[31m', colour: 'red' });
    return text;
  };
  test('are used on a terminal, and only around text that was made visible', () => {
    expect(painted({ isTTY: true }, {})).toBe('\u001b[31mx\\u{001B}[31m\u001b[0m\n');
  });
  test('are not used elsewhere, nor with NO_COLOR', () => {
    expect(painted({}, {})).toBe('x\\u{001B}[31m\n');
    expect(painted({ isTTY: true }, { NO_COLOR: '1' })).toBe('x\\u{001B}[31m\n');
    expect(painted({ isTTY: true }, { TERM: 'dumb' })).toBe('x\\u{001B}[31m\n');
  });
  test('are used or not as FORCE_COLOR says, wherever it goes', () => {
    const coloured = '\u001b[31mx\\u{001B}[31m\u001b[0m\n';
    expect(painted({}, { FORCE_COLOR: '1' })).toBe(coloured);
    expect(painted({}, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(coloured);
    expect(painted({ isTTY: true }, { FORCE_COLOR: '0' })).toBe('x\\u{001B}[31m\n');
    expect(painted({ isTTY: true }, { FORCE_COLOR: '' })).toBe(coloured);
  });
});

describe('a table', () => {
  const columns = [
    { title: 'ID', min: 10 },
    { title: 'STATUS', min: 6 },
    { title: 'PROMPT', min: 8 },
  ];
  test('fits the terminal, one line a row, whatever the cells hold', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(nasty, nasty, nasty)),
        fc.integer({ min: 1, max: 200 }),
        (rows, width) => {
          const { out, text } = capture(width);
          out.table(columns, rows);
          const lines = text().split('\n');
          expect(lines).toHaveLength(rows.length + 2);
          for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
  test('shortens the last column before the id', () => {
    const { out, text } = capture(30);
    out.table(columns, [['d_12345678', 'draft', 'a prompt that is longer than that']]);
    expect(text()).toBe('ID          STATUS  PROMPT\nd_12345678  draft   a prompt …\n');
  });
  test('is not cut where there is no terminal', () => {
    const { out, text } = capture();
    out.table(columns, [['d_1', 'draft', 'x'.repeat(500)]]);
    expect(text()).toContain('x'.repeat(500));
  });
});

test('what is cut is never wider than asked, and says that it was cut', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (raw, width) => {
      const text = visibleLine(raw);
      const cut = cutTo(text, width);
      expect(widthOf(cut)).toBeLessThanOrEqual(width);
      if (cut !== text) expect(cut.endsWith('…')).toBe(true);
    }),
  );
});
