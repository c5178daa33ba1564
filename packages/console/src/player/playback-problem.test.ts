import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiProblem } from '../api/problem.ts';
import { onServerBack, reportReach } from '../api/reach.ts';
import { playbackProblem } from './playback-problem.ts';

const error = new Error('HTTP Error');
const failed = (code: number) => playbackProblem({ error, response: { url: '', code, data: '' } });

test('a recording whose server does not answer fails as requests do, and hears when it is back', () => {
  let back = 0;
  const stop = onServerBack(() => back++);
  const problem = failed(0);
  assert.ok(problem instanceof ApiProblem);
  assert.deepEqual([problem.status, problem.code], [0, 'OFFLINE']);
  reportReach(true);
  stop();
  assert.equal(back, 1);
});

test('a recording that is refused fails with the status', () => {
  const problem = failed(403);
  assert.ok(problem instanceof ApiProblem);
  assert.deepEqual([problem.status, problem.code], [403, 'HTTP_403']);
});

test('what is no answer of a server stays what it is', () => {
  assert.equal(playbackProblem({ error }), error);
});
