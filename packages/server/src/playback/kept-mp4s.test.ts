import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { MemoryRecordings } from './memory-recordings.ts';
import { createPlayback, type PlaybackMp4 } from './playback.ts';
import { askedBy } from './send-file.ts';

const startMs = Date.UTC(2026, 1, 11, 10);
const track: Track = {
  ...{ id: 0, kind: 'audio', codec: 'aac', clockRate: 8000, sampleRate: 8000, channels: 1 },
  parameterSets: [Uint8Array.of(0x15, 0x88)],
};
const range = { streamId: 'gate', startMs, endMs: startMs + 60_000 };

function fixture() {
  const recordings = new MemoryRecordings();
  const backends = new Map([['memory', recordings.backend]]);
  const clock = new ManualClock(startMs + 10_000);
  const playback = createPlayback({ recordings, backends, clock });
  /** One more file of six seconds. */
  const record = (file: number) => {
    const samples = Array.from({ length: 300 }, (_, i): Sample => {
      const dts = file * 48_000 + i * 160;
      return { track, dts, pts: dts, key: true, units: [new Uint8Array(160)], byteLength: 160, wallMs: 0, lost: 0 };
    });
    const run = { streamId: 'gate', runId: 'a', startMs, tracks: [track], fileMs: 1 };
    recordings.record({ ...run, firstSequence: file, samples });
  };
  return { recordings, clock, playback, record };
}

async function readAll(file: PlaybackMp4): Promise<number> {
  let bytes = 0;
  for await (const piece of file.read({ start: 0, end: file.bytes })) bytes += piece.length;
  return bytes;
}

const by = (player: string, range?: string) => askedBy({ headers: { 'user-agent': player, range }, ip: '192.0.2.1' });
const secondsOf = (file: PlaybackMp4) => (file.endMs - file.startMs) / 1000;

test('whoever asks anew gets what was recorded since; whoever goes on stays with his file', async () => {
  const { playback, record } = fixture();
  record(0);
  const first = await playback.mp4(range);
  assert.equal((await playback.mp4(range)).etag, first.etag);
  record(1);
  assert.equal((await playback.mp4(range, by('a', 'bytes=9-'))).etag, first.etag);
  assert.deepEqual([secondsOf(first), secondsOf(await playback.mp4(range))], [6, 12]);
});

test('of two viewers each goes on in the file that he was given, though the recording grew between them', async () => {
  const { playback, record } = fixture();
  record(0);
  const first = await playback.mp4(range, by('a', 'bytes=0-'));
  record(1);
  const second = await playback.mp4(range, by('b'));
  assert.notEqual(second.etag, first.etag);
  const goesOn = async (player: string) => (await playback.mp4(range, by(player, 'bytes=9-'))).etag;
  assert.deepEqual(await Promise.all(['a', 'b', 'a'].map(goesOn)), [first.etag, second.etag, first.etag]);
  assert.equal(await goesOn('moved to another address'), first.etag, 'what was given last');
  assert.equal((await playback.mp4(range, by('a'))).etag, second.etag, 'who asks anew gets what there is');
  assert.equal(await goesOn('a'), second.etag);
});

test('a player that asks for the first bytes, and then for all from the first on, is told of one file', async () => {
  const { playback, record, clock } = fixture();
  record(0);
  const first = await playback.mp4(range, by('a', 'bytes=0-1'));
  record(1);
  clock.advance(4000);
  assert.equal((await playback.mp4(range, by('a', 'bytes=0-'))).etag, first.etag);
  clock.advance(1000);
  assert.equal(secondsOf(await playback.mp4(range, by('a', 'bytes=0-'))), 12);
});

test('a request goes on behind the first byte, at the end, or by a tag', () => {
  const keepMs = (headers: Record<string, string>) => askedBy({ headers, ip: '192.0.2.1' }).keepMs;
  assert.deepEqual(
    [{}, { range: 'bytes=0-' }, { range: 'bytes=0-1' }, { range: 'bytes=1-' }, { range: 'bytes=-5' }].map(keepMs),
    [0, 5000, 5000, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  );
  assert.equal(keepMs({ range: 'bytes=0-', 'if-range': '"x"' }), Number.POSITIVE_INFINITY);
});

test('F6 a file that goes away behind a composed one cuts off one answer, and is a hole in the next', async () => {
  const { recordings, playback, record } = fixture();
  for (const file of [0, 1, 2]) record(file);
  const whole = await playback.mp4(range);
  recordings.damage('~a-1');
  await assert.rejects(readAll(whole), { code: 'STORAGE_NOT_FOUND' });
  const rest = await playback.mp4(range);
  assert.deepEqual(
    rest.gaps.map((gap) => [gap.startMs - startMs, gap.endMs - startMs]),
    [[6000, 12_000]],
  );
  assert.equal(await readAll(rest), rest.bytes);
});

test('F6 a file that goes away after its head was read is named once more at the most, and told to whoever keeps the rows', async () => {
  const { recordings, playback, record } = fixture();
  for (const file of [0, 1, 2]) record(file);
  const named = async () => (await playback.playlist('gate', startMs, startMs + 60_000)).match(/^~a-\d/gm);
  assert.deepEqual(await named(), ['~a-0', '~a-1', '~a-2']);
  recordings.damage('~a-1');
  const file = await playback.file('gate', '~a-1');
  await assert.rejects(Array.fromAsync(file.read({ start: 0, end: file.bytes })), { code: 'STORAGE_NOT_FOUND' });
  assert.deepEqual([...recordings.missing], ['~a-1']);
  assert.deepEqual(await named(), ['~a-0', '~a-2']);
});
