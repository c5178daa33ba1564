import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { concatBytes } from '@watchpost/base/bytes.ts';
import { FlvDemuxer } from '@watchpost/media/container/flv/demuxer.ts';
import { FlvMuxer } from '@watchpost/media/container/flv/muxer.ts';
import { TsDemuxer } from '@watchpost/media/container/mpeg-ts/demuxer.ts';
import { TsMuxer } from '@watchpost/media/container/mpeg-ts/muxer.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { run } from './live-harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'containers-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string) => join(folder, name);

/** Five seconds with B-frames and a tone, in a container of FFmpeg's. */
function make(name: string, video: 'libx264' | 'libx265' | '', audio: string): string {
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=5'];
  const sound = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000:duration=5'];
  const params =
    video === 'libx265' ? ['-x265-params', 'keyint=25:bframes=2:log-level=error'] : ['-g', '25', '-bf', '2'];
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-y', ...(video === '' ? [] : picture), ...(audio === '' ? [] : sound)],
    ...(video === '' ? [] : ['-c:v', video, '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', ...params]),
    ...(audio === '' ? [] : ['-c:a', ...audio.split(' ')]),
    path(name),
  ]);
  return path(name);
}

interface Demuxed {
  readonly tracks: readonly Track[];
  readonly samples: readonly Sample[];
}

/** Reads a file in pieces of an odd size with one of our demuxers; what FFmpeg wrote has no fault. */
function demux(file: string): Demuxed {
  const tracks = new Map<number, Track>();
  const samples: Sample[] = [];
  const sink = {
    track: (track: Track) => void tracks.set(track.id, track),
    unit: (track: Track, unit: Pick<Sample, 'dts' | 'pts' | 'key' | 'units'>) =>
      void samples.push({ track, ...unit, byteLength: 0, wallMs: 0, lost: 0 }),
  };
  const bytes = new Uint8Array(readFileSync(file));
  const flv = new FlvDemuxer(sink);
  const ts = new TsDemuxer(sink);
  const demuxer = file.endsWith('.flv') ? flv : ts;
  for (let at = 0; at < bytes.length; at += 1001) demuxer.push(bytes.subarray(at, at + 1001));
  ts.flush();
  assert.deepEqual(ts.counts, { skippedBytes: 0, lostPackets: 0, unusablePackets: 0, malformed: 0 });
  assert.deepEqual([flv.malformed, flv.skipped], [0, 0]);
  return { tracks: [...tracks.values()], samples };
}

function writeTs(name: string, { tracks, samples }: Demuxed): string {
  const muxer = new TsMuxer(tracks);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < samples.length; at += 10) parts.push(muxer.write(samples.slice(at, at + 10)));
  writeFileSync(path(name), concatBytes(parts));
  return path(name);
}

function writeFlv(name: string, { tracks, samples }: Demuxed): string {
  const muxer = new FlvMuxer(tracks);
  const parts = [muxer.begin({ videoMs: 0, audioMs: 0 }, { fileHeader: true })];
  for (const sample of samples) parts.push(muxer.tag(sample) ?? new Uint8Array(0));
  writeFileSync(path(name), concatBytes(parts));
  return path(name);
}

/** MD5 of each decoded picture or frame of sound. */
async function frames(file: string, kind: 'v' | 'a'): Promise<string[]> {
  const raw = kind === 'v' ? ['-fps_mode', 'passthrough'] : ['-c:a', 'pcm_s16le'];
  const text = await run('ffmpeg', ['-v', 'error', '-i', file, '-map', `0:${kind}`, ...raw, '-f', 'framemd5', '-']);
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)!.trim());
}

async function times(file: string): Promise<number[]> {
  const args = ['-v', 'error', '-select_streams', 'v', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', file];
  return (await run('ffprobe', args)).split('\n').map(Number.parseFloat).filter(Number.isFinite);
}

const cases: readonly (readonly [
  source: string,
  video: 'libx264' | 'libx265' | '',
  audio: string,
  to: 'ts' | 'flv',
])[] = [
  ['h264-aac.ts', 'libx264', 'aac', 'ts'],
  ['h265-aac.ts', 'libx265', 'aac', 'ts'],
  ['h264-opus.ts', 'libx264', 'libopus -frame_duration 20', 'ts'],
  ['h264-mp3.ts', 'libx264', 'libmp3lame -ar 44100', 'ts'],
  ['aac.ts', '', 'aac -ar 16000', 'ts'],
  ['h264-aac-to-flv.ts', 'libx264', 'aac', 'flv'],
  ['h264-aac.flv', 'libx264', 'aac', 'flv'],
  ['h264-aac-to-ts.flv', 'libx264', 'aac', 'ts'],
  ['alaw.flv', '', 'pcm_alaw -ar 8000', 'flv'],
];
for (const [source, video, audio, to] of cases) {
  test(`${source} of FFmpeg's, read and written as ${to} by us, decodes to the same frames at the same times`, async () => {
    const original = make(source, video, audio);
    const demuxed = demux(original);
    const copy = to === 'ts' ? writeTs(`copy-${source}.ts`, demuxed) : writeFlv(`copy-${source}.flv`, demuxed);
    for (const kind of ['v', 'a'] as const) {
      if ((kind === 'v' ? video : audio) === '') continue;
      const expected = await frames(original, kind);
      assert.ok(expected.length > 70, `${expected.length} frames`);
      assert.deepEqual(await frames(copy, kind), expected);
    }
    const [before, behind] = [await times(original), await times(copy)];
    assert.equal(behind.length, before.length);
    for (const [i, time] of before.entries()) {
      assert.ok(Math.abs(behind[i]! - behind[0]! - (time - before[0]!)) < 0.0015, `picture ${i}: ${time} ${behind[i]}`);
    }
    const said = await run('ffmpeg', ['-v', 'warning', '-i', copy, '-f', 'null', '-']);
    assert.equal(said, '');
  });
}

for (const [name, video, parser] of [
  ['gst-h264.ts', 'libx264', 'h264parse ! avdec_h264'],
  ['gst-h265.ts', 'libx265', 'h265parse ! avdec_h265'],
] as const) {
  test(`GStreamer decodes our ${name}, and finds no packet missing`, async () => {
    const copy = writeTs(`copy-${name}`, demux(make(name, video, 'aac')));
    const pipeline =
      `filesrc location=${copy} ! tsparse ! tsdemux name=d d. ! queue ! ${parser} ! videoconvert ! checksumsink sync=false ` +
      `d. ! queue ! aacparse ! avdec_aac ! fakesink sync=false`;
    const env = { ...process.env, GST_DEBUG: 'tsdemux:3,mpegtspacketizer:3,mpegtsbase:3', GST_DEBUG_NO_COLOR: '1' };
    const said = execFileSync('sh', ['-c', `gst-launch-1.0 -q ${pipeline.replaceAll('!', "'!'")} 2>&1`], {
      env,
      timeout: 30_000,
    }).toString();
    const pictures = said.split('\n').filter((line) => /^\S+ [0-9a-f]{40}$/.test(line));
    assert.equal(pictures.length, 125, said.slice(-800));
    assert.doesNotMatch(said, /CONTINUITY|WARN|ERROR/);
  });
}

test('garbage in the middle is passed over, and a lost packet costs its picture only', () => {
  const original = make('broken.ts', 'libx264', '');
  const bytes = new Uint8Array(readFileSync(original));
  const middle = 188 * Math.floor(bytes.length / 376);
  const noise = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7919) & 255);
  const broken = concatBytes([bytes.subarray(0, middle), noise, bytes.subarray(middle + 188)]);
  let units = 0;
  const demuxer = new TsDemuxer({ track: () => {}, unit: () => void units++ });
  for (let at = 0; at < broken.length; at += 777) demuxer.push(broken.subarray(at, at + 777));
  demuxer.flush();
  assert.ok(units >= 123 && units < 125, `${units} of 125 pictures`);
  assert.ok(demuxer.counts.skippedBytes >= 900 && demuxer.counts.skippedBytes <= 1200, JSON.stringify(demuxer.counts));
  assert.ok(demuxer.counts.lostPackets >= 1 && demuxer.counts.lostPackets <= 8, JSON.stringify(demuxer.counts));
});
