import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { SharedLogins } from './shared-logins.ts';

const refusal = new WatchpostError('refused', { kind: 'unauthenticated', code: 'RTSP_CREDENTIALS_REFUSED' });
const channel = (n: number, password = 'x') => parseSourceUrl(`rtsp://admin:${password}@192.0.2.1/${n}`);

function recorder() {
  const clock = new ManualClock();
  const logins = new SharedLogins();
  const abort = new AbortController();
  const enter = (n: number, password?: string) => logins.enter(channel(n, password), { clock, signal: abort.signal });
  return { clock, enter, abort };
}

test('of sixteen channels with a wrong password one tries, and the others hear of it', async () => {
  const { clock, enter } = recorder();
  const first = await enter(0);
  const others = Array.from({ length: 15 }, (_, i) => enter(i + 1));
  first!.ended(refusal);
  for (const other of await Promise.allSettled(others)) assert.equal(other.status, 'rejected');
  await clock.advance(59_000);
  await assert.rejects(enter(1), { code: 'RTSP_CREDENTIALS_REFUSED' });
  (await enter(1, 'right'))!.ended(undefined);
  await clock.advance(2000);
  (await enter(2))!.ended(refusal);
  await clock.advance(119_000);
  await assert.rejects(enter(3), { code: 'RTSP_CREDENTIALS_REFUSED' });
  assert.ok(await enter(2), 'the one that was refused waits by itself, or was started anew by hand');
});

test('once one is let in all are, and a channel that the account may not see stops nobody', async () => {
  const { enter } = recorder();
  const first = await enter(0);
  let entered = false;
  const second = enter(1).then((attempt) => {
    entered = true;
    return attempt;
  });
  await Promise.resolve();
  assert.equal(entered, false);
  first!.accepted();
  (await second)!.ended(refusal);
  assert.ok(await enter(2));
});

test('while the device cannot be reached nobody waits longer than for the first', async () => {
  const { enter, abort } = recorder();
  const first = await enter(0);
  const others = [enter(1), enter(2)];
  first!.ended(new WatchpostError('no answer', { kind: 'timeout', code: 'DIAL_TIMEOUT' }));
  assert.equal((await Promise.all(others)).length, 2);
  const late = enter(3);
  abort.abort(new Error('stopped'));
  await assert.rejects(late, /stopped/);
});

test('a source without credentials is not held up', async () => {
  const source = parseSourceUrl('rtsp://192.0.2.1/0');
  const context = { clock: new ManualClock(), signal: new AbortController().signal };
  assert.equal(await new SharedLogins().enter(source, context), undefined);
});
