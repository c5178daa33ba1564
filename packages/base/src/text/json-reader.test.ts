import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readJsonText } from './json-reader.ts';

const valid = [
  'null',
  ' true ',
  '-0.5e+3',
  '""',
  '"\\u0041\\n\\\\"',
  '[]',
  '{ }',
  '[1,[2],{"a":[{}]}]',
  '\ufeff{"a":\r\n{"b":"\u2028"}}',
  '{"a":1,"b":{"a":1}}',
];
for (const text of valid)
  test(`${JSON.stringify(text)} is read as JSON.parse reads it`, () => {
    const reading = readJsonText(text);
    assert.ok('value' in reading, JSON.stringify(reading));
    assert.deepEqual(reading.value, JSON.parse(text.replace('\ufeff', '')));
  });

test('each key and element has its line', () => {
  const reading = readJsonText('{\n"a": [\n1,\n{"b": {\n"c": 2}}],\n"d": 3}');
  assert.ok('lines' in reading);
  const expected = { a: 2, 'a[0]': 3, 'a[1]': 4, 'a[1].b': 4, 'a[1].b.c': 5, d: 6 };
  assert.deepEqual(Object.fromEntries(reading.lines), expected);
});

test('what JSON.parse refuses is a mistake with a place within the text, and the other way round', () => {
  const whole = '{"a": [1, -2.5e3, true, null, "x\\n\\u00e9"], "b": {"c": {}, "d": []}}';
  const characters = ['', ',', '"', '}', ']', '{', '[', ':', '0', '\\', 'x', '\n', '\t', '#', '/'];
  for (let at = 0; at <= whole.length; at++)
    for (const put of characters)
      for (const cut of [0, 1, whole.length]) {
        const text = whole.slice(0, at) + put + whole.slice(at + cut);
        const reading = readJsonText(text);
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        if ('mistake' in reading) {
          const { line, column, text: said } = reading.mistake;
          assert.ok(!isJson || /second time/.test(said), `${text}: ${said}`);
          const written = text.split('\n')[line - 1];
          assert.ok(written !== undefined && column >= 1 && column <= written.length + 1, text);
          assert.doesNotMatch(said, /this is not JSON/, text);
        } else assert.ok(isJson, text);
      }
});

test('brackets that stand deep within each other are a mistake', () => {
  const reading = readJsonText('['.repeat(100_000));
  assert.ok('mistake' in reading);
  assert.match(reading.mistake.text, /64/);
});

test('ten thousand cameras are read in a moment', () => {
  const cameras = Array.from({ length: 10_000 }, (_, i) => ({ name: `c${i}`, url: `rtsp://192.0.2.1/${i}` }));
  const startMs = performance.now();
  const reading = readJsonText(JSON.stringify({ cameras }, null, 1));
  assert.ok('lines' in reading && reading.lines.get('cameras[9999].url') === 40_001);
  assert.ok(performance.now() - startMs < 3000);
});
