import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logLines } from './agent-command.ts';

const base64 = Buffer.from('eins\nцвай\n').toString('base64');
const cases = [
  ['lines in the answer', { ok: true, data: { lines: ['a', 'b'] } }, ['a', 'b']],
  ['a file beside it', { ok: true, attachment: { name: 'log.txt', base64 } }, ['eins', 'цвай']],
  ['nothing', { ok: true }, []],
] as const;
for (const [what, answer, lines] of cases)
  test(`the log of an agent is read from ${what}`, () =>
    assert.deepEqual(logLines(JSON.parse(JSON.stringify(answer))), lines));
