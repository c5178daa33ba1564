import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '@watchpost/base/text/nearest.ts';
import { hostName, parseDuration, parseSize, portRange, show } from './values.ts';

test('durations are seconds', () => {
  const cases: [unknown, number | undefined][] = [
    [10, 10],
    [0.5, 0.5],
    ['10', 10],
    ['250ms', 0.25],
    ['10s', 10],
    ['5m', 300],
    ['1.5h', 5400],
    ['7d', 604_800],
    [-1, undefined],
    ['-1s', undefined],
    ['1 hour', undefined],
    ['', undefined],
    [true, undefined],
    [Number.NaN, undefined],
  ];
  for (const [text, seconds] of cases) assert.equal(parseDuration(text), seconds, String(text));
});

test('sizes are bytes; KB counts in thousands, KiB in 1024', () => {
  const cases: [unknown, number | undefined][] = [
    [1024, 1024],
    ['1024', 1024],
    ['16MB', 16e6],
    ['16MiB', 16 * 2 ** 20],
    ['1.5 GB', 1.5e9],
    ['2tb', 2e12],
    ['5%', undefined],
    ['1 EB', undefined],
    [-1, undefined],
    [1.5, undefined],
    ['9999999999TB', undefined],
  ];
  for (const [text, bytes] of cases) assert.equal(parseSize(text), bytes, String(text));
});

test('a range of ports has its smaller end first', () => {
  assert.deepEqual(portRange().parse('10000-20000'), { first: 10_000, last: 20_000 });
  for (const text of ['20000-10000', '1-70000', '0-5', '5', 'a-b'])
    assert.ok(!portRange().safeParse(text).success, text);
});

test('a host is a name without scheme and port', () => {
  assert.equal(hostName().parse('NVR.Example.com.'), 'nvr.example.com');
  assert.equal(hostName().parse('камера.example'), 'xn--80aaoslz.example');
  for (const text of ['http://nvr.example.com', 'nvr:8080', '*.example.com', 'a b', '', '-'.repeat(64)])
    assert.ok(!hostName().safeParse(text).success, text);
});

test('the nearest word is found where there is one', () => {
  const words = ['bind', 'segment_duration', 'retention_days', 'enabled', 'serve', 'check'];
  const cases: [string, string | undefined][] = [
    ['bnd', 'bind'],
    ['segmentDuration', 'segment_duration'],
    ['segment_seconds', 'segment_duration'],
    ['retention', 'retention_days'],
    ['enable', 'enabled'],
    ['srve', 'serve'],
    ['chekc', 'check'],
    ['x', undefined],
    ['colour', undefined],
  ];
  for (const [word, expected] of cases) assert.equal(nearest(word, words), expected, word);
});

test('a long value is cut in messages', () => {
  assert.deepEqual([show(Number.POSITIVE_INFINITY), show(Number.NaN), show(1.5)], ['Infinity', 'NaN', '1.5']);
  assert.ok(show('x'.repeat(500)).length <= 60);
});
