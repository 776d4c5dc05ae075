import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { marked, renderMarkdown } from '../../../webview/markdown.ts';

/** Every tag that the renderer may make, with the attributes that it may give it. */
const own = new RegExp(
  [
    '</?(?:p|em|strong|s|ul|li|blockquote|pre|code|table|thead|tbody|tr|span|h[3-6]|ol|th|td)>',
    '<(?:br|hr)>',
    '<ol start="\\d+">',
    '<t[hd] class="(?:left|right|center)">',
    '<span class="(?:link|image|address)">',
    '<p class="info">',
    '<span class="mark" title="[^"<>]*">',
  ].join('|'),
  'g',
);

const foreign = (text: string) => renderMarkdown(text).html.replace(own, '').match(/[<>]/g);

const fragments = fc.array(
  fc.oneof(
    fc.constantFrom(
      '<script>alert(1)</script>',
      '<img src=x onerror=alert(1)>',
      '<svg/onload=alert(1)>',
      '[a](javascript:alert(1))',
      '[a](<javascript:alert(1)> "t")',
      '![a](data:text/html,<script>)',
      '![x](https://example.invalid/x.png "onload=y")',
      '<https://example.invalid/"onclick="x>',
      '[r]: javascript:alert(1) "title"',
      '[r]',
      '```js" onclick="x\ncode\n```',
      '| a | b |\n|:--|--:|\n| <b> | `<i>` |',
      '<!-- comment -->',
      '&lt;script&gt; &#x202e; &quot;',
      '# "head"',
      '7. seven',
      '> - *quote* **b** ~~s~~',
      '\u202e\u0000',
      '\n\n',
      '"\'`<>&',
    ),
    fc.string({ unit: 'grapheme' }),
  ),
);

describe('rendered Markdown', () => {
  test('has no tag and no attribute but the renderer’s own, whatever the text', () => {
    fc.assert(
      fc.property(fragments, fc.constantFrom('', ' ', '\n'), (parts, between) => {
        expect(foreign(parts.join(between))).toBe(null);
      }),
      { numRuns: 500 },
    );
  });

  test('has no address that could be followed or loaded', () => {
    const { html } = renderMarkdown(
      '[a](https://x.invalid) ![b](https://y.invalid) <https://z.invalid>',
    );
    expect(html).not.toMatch(/href|src/);
    for (const shown of ['https://x.invalid', 'https://y.invalid', 'https://z.invalid'])
      expect(html).toContain(shown);
  });

  test('shows titles, alternative texts and the language of code', () => {
    const { html } = renderMarkdown('![alt](u "one") [x](v "two")\n\n```sh run me\nls\n```');
    for (const shown of ['Image: alt', '&quot;one&quot;', '&quot;two&quot;', 'sh run me'])
      expect(html).toContain(shown);
  });

  test('shows HTML and its comments as text', () => {
    expect(renderMarkdown('<!-- hush -->').html).toContain('&lt;!-- hush --&gt;');
  });

  test('marks what hides, also when an entity made it', () => {
    expect(renderMarkdown('a\u200bb &#x202e; `\u2066`').html.match(/class="mark"/g)).toHaveLength(
      3,
    );
    expect(marked('<\u200b>')).toBe(
      '&lt;<span class="mark" title="zero-width space (U+200B)">ZWSP</span>&gt;',
    );
  });

  test('begins its headings below those of the panel', () => {
    expect(renderMarkdown('# a\n\n###### b').html).toBe('<h3>a</h3>\n<h6>b</h6>\n');
  });
});

describe('words that do not show', () => {
  test.each([
    ['plain *text*, `code` and [a link](https://x.invalid "title")', 0],
    ['- a &amp; b\n- c\\_d\n\n```js\nlet x\n```', 0],
    ['see it\n\n[hidden]: https://x.invalid "quietly"', 4],
    ['| aa |\n|---|\n| bb | dropped cell |', 2],
  ])('of %j are %d', (text, unseen) => {
    expect(renderMarkdown(text).unseen).toBe(unseen);
  });
});
