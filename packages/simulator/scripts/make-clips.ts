// Makes packages/simulator/clips/*.clip with FFmpeg (libx264, libx265). Run it again only to change the pictures:
//   node packages/simulator/scripts/make-clips.ts
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { isAdts, parseAdts, stripAdts } from '@watchpost/media/codec/aac/adts.ts';
import { parseAudioSpecificConfig } from '@watchpost/media/codec/aac/config.ts';
import { writeAudioSpecificConfig } from '@watchpost/media/codec/aac/write-config.ts';
import { splitAnnexB } from '@watchpost/media/codec/h264/annex-b.ts';
import type { Track } from '@watchpost/media/types.ts';
import { type Clip, type ClipSample, writeClip } from '../src/clip.ts';
import { drawFrame } from './picture.ts';

// 8 s are 200 pictures, 375 AAC frames of 48 kHz and 200 blocks of G.711: every track's loop ends at the same time.
const seconds = 8;
const fps = 25;
const gop = 50;

interface Picture {
  codec: 'h264' | 'h265';
  width: number;
  height: number;
  crf: number;
}

async function ffmpeg(
  args: readonly string[],
  input?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Buffer> {
  const child = spawn('ffmpeg', ['-v', 'error', '-y', ...args, 'pipe:1'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  if (input) {
    for await (const chunk of input) {
      if (!child.stdin.write(chunk)) await new Promise((resolve) => child.stdin.once('drain', resolve));
    }
  }
  child.stdin.end();
  if ((await ended) !== 0) throw new Error(`ffmpeg ${args.join(' ')} failed`);
  return Buffer.concat(output);
}

function* pictures(picture: Picture): Generator<Uint8Array> {
  for (let i = 0; i < seconds * fps; i++) yield drawFrame(i, { ...picture, fps });
}

async function video(picture: Picture): Promise<{ track: Track; samples: ClipSample[] }> {
  const { codec, width, height, crf } = picture;
  const shared = `keyint=${gop}:min-keyint=${gop}:scenecut=0:bframes=0:aud=1`;
  const encoder =
    codec === 'h264'
      ? ['-c:v', 'libx264', '-profile:v', 'high', '-x264-params', `${shared}:repeat-headers=1:sliced-threads=0`]
      : ['-c:v', 'libx265', '-x265-params', `${shared}:repeat-headers=1:open-gop=0:info=0:log-level=error`];
  const stream = await ffmpeg(
    [
      '-f',
      'rawvideo',
      '-pix_fmt',
      'yuv420p',
      '-s',
      `${width}x${height}`,
      '-r',
      `${fps}`,
      '-i',
      'pipe:0',
      ...encoder,
    ].concat(['-preset', 'slow', '-crf', `${crf}`, '-f', codec === 'h264' ? 'h264' : 'hevc']),
    pictures(picture),
  );
  const typeOf = (unit: Uint8Array) => (codec === 'h264' ? unit[0]! & 31 : (unit[0]! >> 1) & 63);
  const [aud, sei, setTypes, keyTypes] =
    codec === 'h264' ? [9, [6], [7, 8], [5]] : [35, [39, 40], [32, 33, 34], [19, 20]];
  const sets = new Map<number, Uint8Array>();
  const samples: ClipSample[] = [];
  for (const unit of splitAnnexB(stream, 100_000) ?? []) {
    const type = typeOf(unit);
    if (type === aud) samples.push({ trackIndex: 0, key: false, dts: samples.length * (90000 / fps), units: [] });
    else if (setTypes.includes(type)) sets.set(type, unit);
    else if (!sei.includes(type)) {
      const last = samples.pop()!;
      samples.push({ ...last, key: last.key || keyTypes.includes(type), units: [...last.units, unit] });
    }
  }
  if (samples.length !== seconds * fps) throw new Error(`${samples.length} pictures instead of ${seconds * fps}`);
  const parameterSets = setTypes.map((type) => sets.get(type)!);
  return { track: { id: 0, kind: 'video', codec, clockRate: 90000, width, height, fps, parameterSets }, samples };
}

/** One short tone a second, so that sound and picture can be compared by ear. */
const tone = (rate: number) => [
  ...['-f', 'lavfi', '-i', `aevalsrc=0.4*sin(880*2*PI*t)*lt(mod(t\\,1)\\,0.12):s=${rate}:d=${seconds + 1}`],
  ...['-ac', '1'],
];

async function aac(): Promise<{ track: Track; samples: ClipSample[] }> {
  const stream = await ffmpeg([...tone(48000), '-c:a', 'aac', '-b:a', '32k', '-f', 'adts']);
  if (!isAdts(stream, 0, stream.length)) throw new Error('no ADTS');
  const config = writeAudioSpecificConfig(parseAdts(stream, 0, stream.length));
  const { sampleRate, channels } = parseAudioSpecificConfig(config);
  // The first frame is the encoder's run-up.
  const frames: Uint8Array[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = ((stream[at + 3]! & 3) << 11) | (stream[at + 4]! << 3) | (stream[at + 5]! >> 5);
    frames.push(stripAdts(stream.subarray(at, at + length))[0]!);
    at += length;
  }
  const count = (seconds * sampleRate) / 1024;
  const samples = frames
    .slice(1, 1 + count)
    .map((frame, i) => ({ trackIndex: 1, key: true, dts: i * 1024, units: [frame] }));
  return {
    track: { id: 1, kind: 'audio', codec: 'aac', clockRate: sampleRate, sampleRate, channels, parameterSets: [config] },
    samples,
  };
}

async function pcma(): Promise<{ track: Track; samples: ClipSample[] }> {
  const stream = await ffmpeg([...tone(8000), '-c:a', 'pcm_alaw', '-f', 'alaw']);
  const samples = Array.from({ length: seconds * 25 }, (_, i) => ({
    trackIndex: 1,
    key: true,
    dts: i * 320,
    units: [stream.subarray(i * 320, (i + 1) * 320)],
  }));
  return {
    track: { id: 1, kind: 'audio', codec: 'pcma', clockRate: 8000, sampleRate: 8000, channels: 1, parameterSets: [] },
    samples,
  };
}

async function save(name: string, parts: readonly { track: Track; samples: readonly ClipSample[] }[]): Promise<void> {
  const tracks = parts.map((part) => part.track);
  const timeOf = (sample: ClipSample) => sample.dts / tracks[sample.trackIndex]!.clockRate;
  const samples = parts
    .flatMap((part) => part.samples)
    .sort((a, b) => timeOf(a) - timeOf(b) || a.trackIndex - b.trackIndex);
  const clip: Clip = { durationMs: seconds * 1000, tracks, samples };
  const bytes = writeClip(clip);
  await writeFile(new URL(`../clips/${name}.clip`, import.meta.url), bytes);
  process.stdout.write(`${name}.clip: ${bytes.length} bytes\n`);
}

await save('clock-h264-aac', [await video({ codec: 'h264', width: 640, height: 360, crf: 26 }), await aac()]);
await save('clock-h265-pcma', [await video({ codec: 'h265', width: 640, height: 360, crf: 28 }), await pcma()]);
await save('sub-h264', [await video({ codec: 'h264', width: 320, height: 180, crf: 30 })]);
