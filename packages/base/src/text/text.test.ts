import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeText } from './decode-text.ts';
import { parseInstant } from './instant.ts';
import { excerptOf, lineAt, placeOf } from './mistake.ts';

const bytes = (...parts: (string | number)[]) =>
  new Uint8Array(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...new TextEncoder().encode(part)])));

const broken: readonly [name: string, text: Uint8Array, line: number, column: number][] = [
  ['a letter of Latin-1', bytes('a\nK', 0xfc, 'che'), 2, 2],
  ['a letter after others of two bytes', bytes('приве', 0xf2), 1, 6],
  ['a cut sequence at the end', bytes('a', 0xd0), 1, 2],
  ['a cut sequence at the end of a line', bytes('a', 0xe2, 0x82, '\nb'), 1, 2],
  ['one after a replacement character that is meant', bytes('\ufffd', 0xff), 1, 2],
  ['a zero byte', bytes('ab\nc\0d'), 2, 2],
  ['UTF-16, little end first', bytes(0xff, 0xfe, 'a', 0), 1, 1],
  ['UTF-16, big end first', bytes(0xfe, 0xff, 0, 'a'), 1, 1],
];
for (const [name, text, line, column] of broken)
  test(`${name} is no UTF-8, and its place is told`, () => {
    const mistake = decodeText(text);
    assert.ok(typeof mistake !== 'string');
    assert.deepEqual([mistake.line, mistake.column], [line, column]);
    assert.match(mistake.cure ?? '', /UTF-8/);
  });

test('text in UTF-8 comes without its byte order mark', () => {
  assert.equal(decodeText(bytes('Ворота 门 \u{1f600}\n')), 'Ворота 门 \u{1f600}\n');
  assert.equal(decodeText(bytes(0xef, 0xbb, 0xbf, 'a')), 'a');
  assert.equal(decodeText(bytes()), '');
});

test('an offset has its line and column, and a line its text', () => {
  const text = 'ab\r\ncd\n';
  const places = [0, 2, 4, 5, 7].map((offset) => Object.values(placeOf(text, offset)));
  assert.deepEqual(places, [
    [1, 1],
    [1, 3],
    [2, 1],
    [2, 2],
    [3, 1],
  ]);
  assert.deepEqual(
    [1, 2, 3, 9].map((line) => lineAt(text, line)),
    ['ab', 'cd', '', ''],
  );
});

const excerpts: readonly [name: string, line: string, column: number, excerpt: string | undefined][] = [
  ['the caret stands below the column', 'bind = 1', 8, '  bind = 1\n         ^'],
  ['it may stand behind the line', 'ab', 3, '  ab\n    ^'],
  ['spaces before the line go', '    ab', 6, '  ab\n   ^'],
  ['but not where they are what is wrong', ' \tab', 2, '   →ab\n   ^'],
  ['characters that a terminal obeys are replaced', 'a\x1b[2Jb\u202ec', 1, '  a·[2Jb·c\n  ^'],
  ['letters of two units are one column', '\u{1f600}x', 3, '  \u{1f600}x\n   ^'],
  ['a password is not shown', 'password = "x', 12, undefined],
  ['a login in an address is not shown', 'url = rtsp://a:b@c/', 7, undefined],
  ['an empty line is not shown', '', 1, undefined],
];
for (const [name, line, column, excerpt] of excerpts)
  test(`of an excerpt: ${name}`, () => assert.equal(excerptOf(line, { line: 1, column }), excerpt));

test('a long line is cut around the column', () => {
  const [shown = '', caret = ''] = (
    excerptOf(`${'a'.repeat(5000)}b${'c'.repeat(5000)}`, { line: 1, column: 5001 }) ?? ''
  ).split('\n');
  assert.ok(shown.length <= 110);
  assert.equal(shown[caret.length - 1], 'b');
});

const instants: readonly [text: string, ms: number | undefined][] = [
  ['1795298290123', 1_795_298_290_123],
  ['2026-02-11T10:00:00.250Z', 1_770_804_000_250],
  ['2026-02-11t10:00:00z', 1_770_804_000_000],
  ['2026-02-11T13:00:00+03:00', 1_770_804_000_000],
  ['2026-02-11T13:00:00 03:00', 1_770_804_000_000],
  ['2026-02-11 04:30-05:30', 1_770_804_000_000],
  ['2026-02-11T10:00:00', 1_770_804_000_000],
  ['2026-02-11', 1_770_768_000_000],
  ['2026-02-31T10:00:99Z', undefined],
  ['2026', 2026],
  ['1 Feb 2026', undefined],
  ['99999999999999999', undefined],
  ['9999999999999999', undefined],
  ['-5', undefined],
  ['', undefined],
];
for (const [text, ms] of instants)
  test(`"${text}" is ${ms === undefined ? 'no time' : new Date(ms).toISOString()}, wherever the machine stands`, () => {
    const zone = process.env['TZ'];
    process.env['TZ'] = 'Asia/Kolkata';
    try {
      assert.equal(parseInstant(text), ms);
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });
