import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { parseAdts, stripAdts } from '@watchpost/media/codec/aac/adts.ts';
import { writeAudioSpecificConfig } from '@watchpost/media/codec/aac/write-config.ts';
import { writeFlacFrame } from '@watchpost/media/codec/flac/flac-frame.ts';
import { writeFlacStreamInfo } from '@watchpost/media/codec/flac/stream-info.ts';
import { splitAnnexB } from '@watchpost/media/codec/h264/annex-b.ts';
import { isH264Key } from '@watchpost/media/codec/h264/is-key.ts';
import { isH265Key } from '@watchpost/media/codec/h265/is-key.ts';
import { codecString } from '@watchpost/media/container/fmp4/codec-string.ts';
import { readSamples, scanFragments } from '@watchpost/media/container/fmp4/demuxer.ts';
import { writeFragment } from '@watchpost/media/container/fmp4/fragment.ts';
import { writeIdentityBox } from '@watchpost/media/container/fmp4/identity-box.ts';
import { writeInitSegment } from '@watchpost/media/container/fmp4/init-segment.ts';
import { DtsFromPts } from '@watchpost/media/time/dts.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { chromium } from 'playwright-core';

const folder = mkdtempSync(join(tmpdir(), 'fmp4-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', timeout: 30_000, stdio: ['ignore', 'pipe', 'pipe'] });
const ffmpeg = (...args: string[]) => run('ffmpeg', '-v', 'error', '-y', ...args);

const identity = writeIdentityBox({
  volumeId: 'v',
  streamId: 'gate',
  runId: 'r',
  sequence: 0,
  wallMs: 1_760_000_000_000,
  firstDts: [0, 0],
});

interface Stream {
  readonly track: Track;
  readonly samples: readonly Sample[];
}

/** Encodes a test picture; samples come from the raw byte stream, presentation times from FFmpeg's own MP4. */
function encodeVideo(codec: 'h264' | 'h265', bFrames: number): Stream & { source: string } {
  const source = at(`${codec}-${bFrames}.mp4`);
  const raw = at(`${codec}-${bFrames}.bin`);
  const params = `bframes=${bFrames}:keyint=25:scenecut=0${codec === 'h265' ? ':log-level=error' : ''}`;
  const encoder = codec === 'h264' ? ['libx264', '-x264-params'] : ['libx265', '-x265-params'];
  const input = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=4', '-pix_fmt', 'yuv420p'];
  ffmpeg(...input, '-preset', 'ultrafast', '-c:v', encoder[0]!, encoder[1]!, params, source);
  const [toAnnexB, metadata] =
    codec === 'h264' ? ['h264_mp4toannexb', 'h264_metadata'] : ['hevc_mp4toannexb', 'hevc_metadata'];
  const format = codec === 'h264' ? 'h264' : 'hevc';
  ffmpeg('-i', source, '-c', 'copy', '-bsf:v', `${toAnnexB},${metadata}=aud=insert`, '-f', format, raw);
  const typeOf = (nal: Uint8Array): number => (codec === 'h264' ? nal[0]! & 31 : (nal[0]! >> 1) & 63);
  const isSet = (type: number) => (codec === 'h264' ? type === 7 || type === 8 : type >= 32 && type <= 34);
  const sets = new Map<number, Uint8Array>();
  const pictures: Uint8Array[][] = [];
  for (const nal of splitAnnexB(readFileSync(raw), 10_000) ?? []) {
    const type = typeOf(nal);
    if (type === (codec === 'h264' ? 9 : 35)) pictures.push([]);
    else if (isSet(type)) sets.set(type, nal);
    else pictures.at(-1)!.push(nal);
  }
  const parameterSets = [...sets.keys()].sort((a, b) => a - b).map((type) => sets.get(type)!);
  const track: Track = { id: 0, kind: 'video', codec, clockRate: 90_000, parameterSets };
  const times = packetTimes(source, 'v:0').map(({ pts }) => Math.round(pts * 90_000));
  const dtsOf = new DtsFromPts(bFrames > 0 ? 2 : 0);
  const samples = pictures.map((units, i) => {
    const dts = dtsOf.push(times[i]!);
    assert.equal(dtsOf.pts, times[i]);
    const key = codec === 'h264' ? isH264Key(units) : isH265Key(units);
    return sample(track, dts, { pts: times[i]!, key, units });
  });
  assert.equal(samples.length, 100);
  return { track, samples, source };
}

function sample(track: Track, dts: number, rest: Pick<Sample, 'pts' | 'key' | 'units'>): Sample {
  const byteLength = rest.units.reduce((sum, unit) => sum + unit.length, 0);
  return { track, dts, ...rest, byteLength, wallMs: 0, lost: 0 };
}

function packetTimes(file: string, stream: string): { pts: number; dts: number }[] {
  const entries = ['-select_streams', stream, '-show_entries', 'packet=pts_time,dts_time', '-of', 'csv=p=0'];
  return run('ffprobe', '-v', 'error', ...entries, file)
    .trim()
    .split('\n')
    .map((line) => {
      const [pts, dts] = line.split(',').map(Number);
      return { pts: pts!, dts: dts! };
    });
}

function audio(track: Track, frames: readonly Uint8Array[], ticks: number): Stream {
  return {
    track,
    samples: frames.map((unit, i) => sample(track, i * ticks, { pts: i * ticks, key: true, units: [unit] })),
  };
}

function encodeAac(): Stream {
  const file = at('sound.aac');
  ffmpeg('-f', 'lavfi', '-i', 'sine=frequency=440:duration=4:sample_rate=16000', '-c:a', 'aac', '-f', 'adts', file);
  const bytes = readFileSync(file);
  const config = parseAdts(bytes, 0, bytes.length);
  const { sampleRate, channels } = config;
  const parameterSets = [writeAudioSpecificConfig(config)];
  const track: Track = {
    id: 1,
    kind: 'audio',
    codec: 'aac',
    clockRate: sampleRate,
    sampleRate,
    channels,
    parameterSets,
  };
  return audio(track, stripAdts(bytes), 1024);
}

function encodeAlaw(): Stream {
  const file = at('sound.al');
  ffmpeg('-f', 'lavfi', '-i', 'sine=frequency=440:duration=4:sample_rate=8000', '-f', 'alaw', file);
  const bytes = readFileSync(file);
  const frames = Array.from({ length: bytes.length / 160 }, (_, i) => bytes.subarray(i * 160, i * 160 + 160));
  const format = { clockRate: 8000, sampleRate: 8000, channels: 1, parameterSets: [] };
  return audio({ id: 1, kind: 'audio', codec: 'pcma', ...format }, frames, 160);
}

function encodeFlac(): Stream {
  const format = { sampleRate: 8000, channels: 1, blockSamples: 160 };
  const frames = Array.from({ length: 200 }, (_, i) => {
    const pcm = Int16Array.from({ length: 160 }, (_, k) => 8000 * Math.sin((i * 160 + k) / 3));
    return writeFlacFrame(format, i, pcm);
  });
  const parameterSets = [writeFlacStreamInfo(format)];
  const shape = { clockRate: 8000, sampleRate: 8000, channels: 1, parameterSets };
  return audio({ id: 1, kind: 'audio', codec: 'flac', ...shape }, frames, 160);
}

/** A file with a fragment for each second. */
function mux(...streams: Stream[]): Uint8Array[] {
  const parts = [
    writeInitSegment(
      streams.map(({ track }) => track),
      { identity },
    ),
  ];
  for (let second = 0; second < 4; second++) {
    const runs = streams.map(({ track, samples }) => {
      const inside = samples.filter((s) => Math.floor(s.dts / track.clockRate) === second);
      const last = inside.at(-1)!;
      const following = samples[samples.indexOf(last) + 1];
      const nextDts = following?.dts ?? last.dts + (samples[5]!.dts - samples[4]!.dts);
      return { track, samples: inside, nextDts };
    });
    parts.push(writeFragment(second + 1, runs));
  }
  return parts;
}

function save(name: string, parts: readonly Uint8Array[]): string {
  writeFileSync(at(name), Buffer.concat(parts));
  return at(name);
}

const pictureHashes = (file: string) =>
  run('ffmpeg', '-v', 'error', '-i', file, '-map', '0:v', '-f', 'framemd5', '-')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)!.trim());

for (const codec of ['h264', 'h265'] as const) {
  for (const bFrames of [0, 2]) {
    test(`FFmpeg decodes ${codec} with ${bFrames} B-frames to the pictures and times of the source`, () => {
      const { source, ...video } = encodeVideo(codec, bFrames);
      const sound = bFrames > 0 ? encodeAac() : encodeAlaw();
      const file = save(`out-${codec}-${bFrames}.mp4`, mux(video, sound));
      assert.equal(run('ffmpeg', '-v', 'error', '-xerror', '-i', file, '-f', 'null', '-'), '');
      assert.deepEqual(pictureHashes(file), pictureHashes(source));
      const times = packetTimes(file, 'v:0').map(({ pts, dts }) => [
        Math.round(pts * 90_000),
        Math.round(dts * 90_000),
      ]);
      assert.deepEqual(
        times.map(([pts]) => pts),
        video.samples.map(({ pts }) => pts),
      );
      assert.deepEqual(
        times.map(([, dts]) => dts),
        video.samples.map(({ dts }) => dts),
      );
      assert.equal(packetTimes(file, 'a:0').length > 60, true);
    });
  }
}

test('GStreamer and VLC play a file with video and AAC', () => {
  const file = save('play.mp4', mux(encodeVideo('h264', 2), encodeAac()));
  const parts = `filesrc location=${file} ! qtdemux name=d d.video_0 ! queue ! h264parse ! avdec_h264 ! fakesink sync=false d.audio_0 ! queue ! fakesink sync=false`;
  assert.doesNotMatch(run('gst-launch-1.0', ...parts.split(' ')), /ERROR|WARN/);
  const raw = at('vlc.avi');
  const chain = `#transcode{vcodec=I420,acodec=none}:std{access=file,mux=avi,dst=${raw}}`;
  const args = ['-q', '--no-sout-all', '--play-and-exit', file, '--sout', chain, 'vlc://quit'];
  // VLC refuses to run as root.
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  chmodSync(folder, 0o777);
  execFileSync('cvlc', args, { ...user, timeout: 30_000, stdio: 'ignore', env: { ...process.env, HOME: folder } });
  assert.ok(readFileSync(raw).length > 90 * 320 * 180 * 1.5);
});

test('files of FFmpeg are read', async () => {
  const { source } = encodeVideo('h264', 2);
  const file = at('foreign.mp4');
  ffmpeg('-i', source, '-c', 'copy', '-movflags', 'frag_keyframe+empty_moov+default_base_moof', file);
  const bytes = readFileSync(file);
  const scan = await scanFragments((from, length) => bytes.subarray(from, from + length), bytes.length);
  assert.deepEqual(
    scan.fragments.map(({ key, frames }) => [key, frames]),
    Array.from({ length: 4 }, () => [true, 25]),
  );
  const samples = scan.fragments.flatMap((f) => readSamples(bytes.subarray(f.offset, f.offset + f.bytes), scan.tracks));
  assert.equal(samples.filter(({ key }) => key).length, 4);
  assert.deepEqual(
    samples.map(({ pts, track }) => Math.round((pts * 1000) / track.clockRate)),
    packetTimes(file, 'v:0').map(({ pts }) => Math.round(pts * 1000)),
  );
});

for (const [codec, encoder] of [
  ['mjpeg', ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=5:duration=2', '-c:v', 'mjpeg']],
  ['flac', ['-f', 'lavfi', '-i', 'sine=duration=2:sample_rate=16000', '-c:a', 'flac']],
  ['opus', ['-f', 'lavfi', '-i', 'sine=duration=2:sample_rate=48000', '-c:a', 'libopus']],
] as const) {
  test(`FFmpeg decodes ${codec} that was taken from its file and written by us`, async () => {
    const source = at(`${codec}-source.mp4`);
    ffmpeg(...encoder, '-strict', '-2', '-movflags', 'frag_keyframe+empty_moov+default_base_moof', source);
    const bytes = readFileSync(source);
    const scan = await scanFragments((from, length) => bytes.subarray(from, from + length), bytes.length);
    const track = scan.tracks[0]!.track;
    assert.equal(track.codec, codec);
    const parts = scan.fragments.map((fragment, i) => {
      const { offset, startTicks, durationTicks } = fragment;
      const samples = readSamples(bytes.subarray(offset, offset + fragment.bytes), scan.tracks);
      return writeFragment(i + 1, [{ track, samples, nextDts: startTicks[0]! + durationTicks[0]! }]);
    });
    const file = save(`${codec}.mp4`, [writeInitSegment([track], { identity }), ...parts]);
    const decode = (name: string) => run('ffmpeg', '-v', 'error', '-xerror', '-i', name, '-f', 'md5', '-');
    if (codec === 'opus') assert.match(decode(file), /^MD5=/);
    else assert.equal(decode(file), decode(source));
  });
}

test('a file cut anywhere in its last fragment plays up to the fragment before', async () => {
  const parts = mux(encodeVideo('h264', 0), encodeAac());
  const whole = Buffer.concat(parts);
  const lastStart = whole.length - parts.at(-1)!.length;
  for (let size = lastStart; size < whole.length; size += 1 + Math.floor((whole.length - lastStart) / 400)) {
    const scan = await scanFragments((from, length) => whole.subarray(from, Math.min(size, from + length)), size);
    assert.equal(scan.completeBytes, lastStart);
    assert.equal(scan.fragments.length, 3);
  }
  const header = new DataView(whole.buffer, whole.byteOffset + lastStart).getUint32(0);
  // FFmpeg gives up on a file that ends within a `moof`; behind it, it plays what is there.
  for (const size of [0, 5, header + 4, header + 2000, whole.length - lastStart - 1]) {
    const file = save('cut.mp4', [whole.subarray(0, lastStart + size)]);
    assert.ok(pictureHashes(file).length >= 75, String(size));
  }
});

test('Chromium plays H.264 with AAC and with FLAC by Media Source Extensions', async () => {
  const video = encodeVideo('h264', 2);
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    for (const sound of [encodeAac(), encodeFlac()]) {
      const type = `video/mp4; codecs="${codecString([video.track, sound.track])}"`;
      const parts = mux(video, sound).map((part) => Buffer.from(part).toString('base64'));
      const result = await page.evaluate(playInPage, { type, parts });
      assert.equal(result.error, '');
      assert.ok(result.bufferedTo > 3.9 && result.bufferedRanges === 1, JSON.stringify(result));
      assert.ok(result.playedTo > 0.5 && result.frames > 5, JSON.stringify(result));
    }
  } finally {
    await browser.close();
  }
});

/** Runs in the page. */
async function playInPage(input: { type: string; parts: string[] }) {
  // biome-ignore lint/suspicious/noExplicitAny: types of the page are not those of this program
  const page = globalThis as any;
  const source = new page.MediaSource();
  const video = page.document.createElement('video');
  video.muted = true;
  video.src = page.URL.createObjectURL(source);
  page.document.body.replaceChildren(video);
  const on = (target: EventTarget, name: string) =>
    new Promise((done) => target.addEventListener(name, done, { once: true }));
  await on(source, 'sourceopen');
  const buffer = source.addSourceBuffer(input.type);
  for (const part of input.parts) {
    buffer.appendBuffer(Uint8Array.from(page.atob(part) as string, (c) => c.charCodeAt(0)));
    await on(buffer, 'updateend');
    if (video.error) break;
  }
  const { buffered } = video;
  const bufferedTo = buffered.length ? buffered.end(buffered.length - 1) : 0;
  await video.play().catch(() => {});
  await new Promise((done) => setTimeout(done, 1500));
  const frames = video.getVideoPlaybackQuality().totalVideoFrames;
  const error = video.error?.message ?? '';
  return { error, bufferedTo, bufferedRanges: buffered.length, playedTo: video.currentTime, frames };
}
