import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import type { Publisher, SourceUnit } from '../../hub/types.ts';
import { createTestClock } from './index.ts';

function contextOf(clock: ManualClock, signal: AbortSignal): never {
  return { clock, signal, logger: silentLogger, section: {} } as never;
}

test('test:clock plays on at its own pace across the seam of its loop, and after a machine was asleep', async () => {
  const clock = new ManualClock();
  const abort = new AbortController();
  const pictures: { dts: number; atMs: number }[] = [];
  const kinds: string[] = [];
  const publisher = {
    writeUnit: (track: number, unit: SourceUnit) => {
      if (track === 0) pictures.push({ dts: unit.dts, atMs: clock.monotonicMs() });
    },
    flush: () => {},
    count: () => {},
    close: () => {},
  } as unknown as Publisher;
  const source = parseSourceUrl('test:clock');
  const publish = (tracks: readonly { readonly track: { readonly codec: string } }[]) => {
    kinds.push(...tracks.map(({ track }) => track.codec));
    return publisher;
  };
  const done = createTestClock().pull!(source, publish as never, contextOf(clock, abort.signal));
  const play = async (ms: number) => {
    for (let i = 0; i < ms / 20; i++) await clock.advance(20);
  };
  while (pictures.length === 0) {
    await new Promise(setImmediate);
    await clock.advance(20);
  }
  await play(30_000);
  await clock.advance(60_000);
  await play(2000);
  abort.abort(new Error('stopped'));
  await assert.rejects(done, /stopped/);
  assert.deepEqual(kinds.sort(), ['aac', 'h264']);
  assert.ok(pictures.length > 31 * 25 && pictures.length < 33 * 25, `${pictures.length} pictures`);
  const offsets = pictures.map(({ dts, atMs }) => dts / 90 - atMs);
  assert.ok(Math.max(...offsets) - Math.min(...offsets) < 60, `${Math.min(...offsets)} … ${Math.max(...offsets)}`);
  assert.ok(pictures.every(({ dts }, i) => i === 0 || dts > pictures[i - 1]!.dts));
});

test('any other test picture is refused with the cure', () => {
  const protocol = createTestClock();
  assert.throws(() => protocol.checkSource!(parseSourceUrl('test:bars')), /"test:bars" is no test picture/);
});
