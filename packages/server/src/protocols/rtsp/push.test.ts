import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import type { PushContext } from '../../hub/types.ts';
import { dialTcp } from '../../net/dial.ts';
import { createRtsp } from './index.ts';
import { picture, ServerBench, sound, until } from './server/test-bench.ts';

const denied = () => new WatchpostError('no', { kind: 'unauthenticated', code: 'LOGIN_WRONG' });

/** Two servers: a stream of the first is pushed to the second. */
async function push(from: ServerBench, url: string) {
  const rtsp = createRtsp({ userAgent: 'test' });
  const abort = new AbortController();
  const seen = { accepted: 0, bytes: 0 };
  const context: PushContext = {
    ...{ clock: systemClock, logger: silentLogger, signal: abort.signal, dial: dialTcp, section: {} },
    accepted: () => void seen.accepted++,
    sent: (bytes) => {
      seen.bytes += bytes;
    },
  };
  const running = rtsp.push!(from.hub.get('gate')!, parseSourceUrl(url), context);
  const failed = running.then(
    () => undefined,
    (thrown: WatchpostError) => thrown,
  );
  return { abort, seen, failed };
}

test('a stream that is pushed is the same on the other server; it ends with its TEARDOWN', async () => {
  await using near = await ServerBench.open();
  await using far = await ServerBench.open({ range: [23_000, 23_999] });
  const camera = await near.online('gate', [picture, sound]);
  far.refuse = ({ headers }) => (headers['authorization'] === 'Basic dTpw' ? undefined : denied());
  const { abort, seen, failed } = await push(near, `rtsp://u:p@127.0.0.1:${far.port}/live/copy`);
  await until(() => seen.accepted === 1);
  camera.play(10);
  await until(() => far.hub.get('copy')?.state === 'online');
  const copy = far.hub.get('copy')!;
  await until(() => copy.meter.frames >= 12);
  assert.deepEqual(
    copy.tracks.map(({ codec }) => codec),
    ['h264', 'pcma'],
  );
  abort.abort(new WatchpostError('enough', { kind: 'canceled', code: 'PUSH_STOPPED' }));
  assert.equal((await failed)?.code, 'PUSH_STOPPED');
  assert.ok(seen.bytes > 12 * 500, `${seen.bytes}`);
  await until(() => copy.state === 'offline' && near.hub.get('gate')!.readers.length === 0);
});

const refusals: readonly { name: string; login: string; refuse?: () => WatchpostError; code: string }[] = [
  { name: 'a target that wants a login', login: '', refuse: denied, code: 'PUSH_UNAUTHENTICATED' },
  { name: 'a wrong password', login: 'u:x@', refuse: denied, code: 'PUSH_UNAUTHENTICATED' },
  {
    name: 'a target that may not be published to',
    login: '',
    refuse: () => new WatchpostError('no', { kind: 'forbidden', code: 'FORBIDDEN' }),
    code: 'RTSP_STATUS_403',
  },
];
for (const { name, login, refuse, code } of refusals)
  test(`${name} is told: ${code}`, async () => {
    await using near = await ServerBench.open();
    await using far = await ServerBench.open({ range: [23_000, 23_999] });
    await near.online('gate');
    far.refuse = refuse;
    const { failed, seen } = await push(near, `rtsp://${login}127.0.0.1:${far.port}/live/copy`);
    assert.equal((await failed)?.code, code);
    assert.deepEqual([seen.accepted, near.hub.get('gate')!.readers.length], [0, 0]);
  });

test('a target that goes away, and one that is not there, are told', async () => {
  await using near = await ServerBench.open();
  const far = await ServerBench.open({ range: [23_000, 23_999] });
  await near.online('gate');
  const { failed, seen } = await push(near, `rtsp://127.0.0.1:${far.port}/live/copy`);
  await until(() => seen.accepted === 1);
  await far[Symbol.asyncDispose]();
  assert.equal((await failed)?.code, 'PUSH_CLOSED');
  const again = await push(near, `rtsp://127.0.0.1:${far.port}/live/copy`);
  assert.equal((await again.failed)?.code, 'DIAL_REFUSED');
});
