import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import type { Stream } from '../stream.ts';
import type { Protocol, TalkChannel } from '../types.ts';
import { TalkDesk } from './talk-desk.ts';

const streamOf = (id: string, url = 'rtsp://192.0.2.1/a') =>
  ({ id, definition: { sources: url === '' ? [] : [parseSourceUrl(url)] } }) as unknown as Stream;

function bench() {
  const calls: { end: () => void; signal: AbortSignal }[] = [];
  let fails = false;
  const desk = new TalkDesk({
    protocolFor: (scheme) => (scheme === 'rtsp' ? ({ talk: () => {} } as unknown as Protocol) : undefined),
    talk: async (_protocol, _source, { signal }) => {
      if (fails) throw new WatchpostError('no', { kind: 'unavailable', code: 'NO' });
      const { promise, resolve } = Promise.withResolvers<undefined>();
      calls.push({ end: () => resolve(undefined), signal });
      return { ended: promise } as TalkChannel;
    },
  });
  return { desk, calls, fail: (now: boolean) => (fails = now) };
}

test('a second talker waits until the first one has finished; other devices are free', async () => {
  const { desk, calls } = bench();
  await desk.open(streamOf('gate'), ['pcma']);
  await assert.rejects(desk.open(streamOf('gate'), ['pcma']), { code: 'TALK_BUSY', kind: 'conflict' });
  await desk.open(streamOf('yard'), ['pcma']);
  assert.equal(desk.count, 2);
  calls[0]!.end();
  await new Promise((resolve) => setImmediate(resolve));
  await desk.open(streamOf('gate'), ['pcma']);
});

test('a device that does not answer, or takes no sound, is free at once', async () => {
  const { desk, fail } = bench();
  fail(true);
  await assert.rejects(desk.open(streamOf('gate'), ['pcma']), { code: 'NO' });
  fail(false);
  await desk.open(streamOf('gate'), ['pcma']);
  for (const url of ['', 'rtmp://192.0.2.1/a'])
    await assert.rejects(desk.open(streamOf('x', url), ['pcma']), { code: 'TALK_UNSUPPORTED' });
});

test('everybody is cut off when the server stops', async () => {
  const { desk, calls } = bench();
  await desk.open(streamOf('gate'), ['pcma']);
  await desk[Symbol.asyncDispose]();
  assert.equal(calls[0]!.signal.aborted, true);
});
