import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { ivfPictures } from '@watchpost/media/codec/av1/test-clip.ts';
import { writeIvf } from '@watchpost/media/container/ivf.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { ffmpegArguments } from './ffmpeg.ts';
import { type DecodeJpeg, JpegDecoder } from './jpeg-decoder.ts';
import { type CodedPictures, codedPictures } from './picture.ts';
import { runDecoder } from './run-decoder.ts';

const pictures: CodedPictures = { codec: 'h264', bytes: Uint8Array.of(0, 0, 0, 1, 101), count: 1, ends: [5] };
const jpeg = Uint8Array.of(0xff, 0xd8, 1, 0xff, 0xd9);

function codeOf(error: unknown): string {
  return error instanceof WatchpostError ? error.code : String(error);
}

test('few pictures are decoded at once, the others in the order in which they came', async () => {
  const begun: number[] = [];
  let now = 0;
  let most = 0;
  const decode: DecodeJpeg = async ({ count }) => {
    begun.push(count);
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 2));
    now--;
    return jpeg;
  };
  await using decoder = new JpegDecoder({ decode, maxAtOnce: 2 });
  await Promise.all([1, 2, 3, 4, 5, 6].map((count) => decoder.toJpeg({ ...pictures, count })));
  assert.deepEqual([begun, most], [[1, 2, 3, 4, 5, 6], 2]);
});

test('past a bound those who ask are turned away, and told when to come again', async () => {
  const decode: DecodeJpeg = (_pictures, _size, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const decoder = new JpegDecoder({ decode, maxAtOnce: 1 });
  const asked = Array.from({ length: 66 }, () => decoder.toJpeg(pictures).catch(codeOf));
  assert.equal(await asked[65], 'DECODE_BUSY');
  await decoder[Symbol.asyncDispose]();
  assert.deepEqual(new Set(await Promise.all(asked)), new Set(['SHUTDOWN', 'DECODE_BUSY']));
});

test('a decoder that hangs is ended, and its place is free again', async () => {
  let tries = 0;
  const decode: DecodeJpeg = (_pictures, _size, signal) => {
    if (tries++ > 0) return Promise.resolve(jpeg);
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  await using decoder = new JpegDecoder({ decode, maxAtOnce: 1, timeoutMs: 20 });
  // Timers of signals do not keep a process alive.
  const alive = setInterval(() => {}, 10);
  await assert.rejects(decoder.toJpeg(pictures), { code: 'DECODE_TIMEOUT', kind: 'timeout' });
  clearInterval(alive);
  assert.equal(await decoder.toJpeg(pictures), jpeg);
});

test('while no process may be started those who ask wait, not for ever', async () => {
  let isHeld = true;
  let begun = 0;
  const decode: DecodeJpeg = async () => {
    begun++;
    return jpeg;
  };
  await using decoder = new JpegDecoder({ decode, isHeld: () => isHeld, timeoutMs: 200 });
  await assert.rejects(decoder.toJpeg(pictures), { code: 'DECODE_TIMEOUT' });
  const asked = decoder.toJpeg(pictures);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(begun, 0);
  isHeld = false;
  assert.equal(await asked, jpeg);
});

test('a JPEG that keeps its size is not decoded', async () => {
  const decode: DecodeJpeg = () => Promise.reject(new Error('it was'));
  await using decoder = new JpegDecoder({ decode });
  assert.equal(await decoder.toJpeg({ codec: 'mjpeg', bytes: jpeg, count: 1, ends: [jpeg.length] }), jpeg);
  await assert.rejects(
    decoder.toJpeg({ codec: 'mjpeg', bytes: jpeg, count: 1, ends: [jpeg.length] }, { width: 64 }),
    /it was/,
  );
  await assert.rejects(decoder.toJpeg({ ...pictures, bytes: new Uint8Array() }), { code: 'DECODE_SIZE' });
});

test('pictures come as a byte stream that begins with their parameter sets', () => {
  const track: Track = {
    id: 0,
    kind: 'video',
    codec: 'h264',
    clockRate: 90_000,
    parameterSets: [Uint8Array.of(7), Uint8Array.of(8)],
  };
  const sample = (unit: number): Sample => ({
    ...{ track, dts: 0, pts: 0, key: true, units: [Uint8Array.of(unit)], byteLength: 1, wallMs: 0, lost: 0 },
  });
  assert.deepEqual(codedPictures(track, [sample(5), sample(1)]), {
    codec: 'h264',
    bytes: Uint8Array.of(0, 0, 0, 1, 7, 0, 0, 0, 1, 8, 0, 0, 0, 1, 5, 0, 0, 0, 1, 1),
    count: 2,
    ends: [15, 20],
  });
  const mjpeg: Track = { ...track, codec: 'mjpeg', parameterSets: [] };
  assert.deepEqual(codedPictures(mjpeg, [sample(5), sample(1)])?.bytes, Uint8Array.of(1));
  assert.equal(codedPictures({ ...track, codec: 'aac' }, [sample(5)]), undefined);
});

test('pictures of VP8, VP9 and AV1 come one after the other; those that are not shown do not count', () => {
  const track = { id: 0, kind: 'video', clockRate: 90_000, parameterSets: [] } as const;
  const picturesOf = (video: Track, ...units: string[]) =>
    codedPictures(
      video,
      units.map((unit) => ({
        ...{ track: video, dts: 0, pts: 0, key: true, units: [fromHex(unit)], byteLength: 1, wallMs: 0, lost: 0 },
      })),
    )!;
  const vp8 = picturesOf({ ...track, codec: 'vp8' }, '1001', '01', '1101');
  assert.deepEqual(vp8, { codec: 'vp8', bytes: fromHex('1001011101'), count: 2, ends: [2, 3, 5] });
  assert.equal(picturesOf({ ...track, codec: 'vp9' }, '8249', '00').count, 2);
  const record = fromHex('81010c00 0a02abcd');
  const av1: Track = { ...track, codec: 'av1', parameterSets: [record] };
  assert.deepEqual(picturesOf(av1, '320110', '320130'), {
    ...{ codec: 'av1', bytes: fromHex('0a02abcd 320110 320130'), count: 2, ends: [7, 10] },
  });
  assert.deepEqual(picturesOf(av1, '0a02abcd320110').ends, [7]);
  assert.deepEqual(picturesOf(av1, 'ffff').bytes, fromHex('ffff'));
});

test('FFmpeg reads them as an IVF file', () => {
  const file = writeIvf('vp9', Uint8Array.of(1, 2, 3), [2, 3]);
  assert.equal(
    new TextDecoder().decode(file.subarray(0, 4)) + new TextDecoder().decode(file.subarray(8, 12)),
    'DKIFVP90',
  );
  assert.deepEqual(ivfPictures(file), [Uint8Array.of(1, 2), Uint8Array.of(3)]);
  assert.equal(ffmpegArguments({ codec: 'av1', count: 1 }, {}).join(' ').includes('-f ivf -i pipe:0'), true);
});

test('FFmpeg is told the newest picture and the box that it is scaled into', () => {
  const filtersOf = (count: number, size: { width?: number; height?: number }) => {
    const args = ffmpegArguments({ codec: 'h265', count }, size);
    return args.includes('-vf') ? args[args.indexOf('-vf') + 1] : undefined;
  };
  assert.equal(filtersOf(1, {}), undefined);
  assert.equal(filtersOf(25, {}), 'select=gte(n\\,24)');
  assert.equal(filtersOf(1, { width: 320 }), 'scale=320:-2');
  assert.match(
    filtersOf(2, { width: 320, height: 240 }) ?? '',
    /^select.*,scale=320:240:force_original_aspect_ratio=decrease/,
  );
});

test('a program that is missing, fails or writes no JPEG is told apart', async () => {
  const run = (program: string, ...args: string[]) =>
    runDecoder({ program, args }, Uint8Array.of(1), new AbortController().signal).catch(codeOf);
  assert.equal(await run('watchpost-no-such-program'), 'DECODER_MISSING');
  assert.equal(await run(process.execPath, '-e', 'console.error("bad"); process.exit(1)'), 'DECODE_FAILED');
  assert.equal(await run(process.execPath, '-e', 'process.kill(process.pid, "SIGKILL")'), 'DECODER_DIED');
  const write = 'process.stdin.resume(); process.stdout.write(Buffer.from([255, 216, 1, 255, 217]))';
  assert.deepEqual(await run(process.execPath, '-e', write), jpeg);
});
