import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStreamId, suggestStreamId } from './stream-id.ts';

const cases: readonly [string, string, readonly string[]][] = [
  ['Ворота', 'vorota', []],
  ['Ворота', 'vorota-2', ['vorota']],
  ['大门', 'camera-1', []],
  ['大门 2', 'camera-2', ['camera-1']],
  ['Front door', 'front-door', []],
  ['Café Ångström', 'cafe-angstrom', []],
  ['Подъезд №3', 'podezd-no3', []],
  ['  --  ', 'camera-1', []],
  ['12', '12', []],
  ['Щука/юг', 'shchuka-yug', []],
];

for (const [title, expected, taken] of cases) {
  test(`suggests ${expected} for ${JSON.stringify(title)}${taken.length ? ' when the first is taken' : ''}`, () => {
    const suggestion = suggestStreamId(title, new Set(taken));
    assert.equal(suggestion, expected);
    assert.ok(isStreamId(suggestion));
  });
}

test('a very long title still gives a valid id', () => {
  assert.ok(isStreamId(suggestStreamId('очень длинное имя '.repeat(40), new Set())));
});
