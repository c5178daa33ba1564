import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { promisify } from 'node:util';
import { writeAv1C } from '@watchpost/media/codec/av1/decoder-config.ts';
import { splitObus } from '@watchpost/media/codec/av1/obu.ts';
import { ivfPictures } from '@watchpost/media/codec/av1/test-clip.ts';
import { readJpegHead } from '@watchpost/media/codec/jpeg/read-header.ts';
import type { Track } from '@watchpost/media/types.ts';
import { parseClip } from '@watchpost/simulator/clip.ts';
import { installedDecoder } from './installed-decoder.ts';
import { JpegDecoder } from './jpeg-decoder.ts';
import { hasNodeAv, NodeAvDecoder } from './node-av.ts';
import { type CodedPictures, codedPictures } from './picture.ts';

/** So many pictures of a clip of the simulator, from its first key picture on. */
function picturesOf(name: string, count: number): CodedPictures {
  const path = new URL(`../../../simulator/clips/${name}.clip`, import.meta.url);
  const { tracks, samples } = parseClip(new Uint8Array(readFileSync(path)));
  const at = tracks.findIndex(({ kind }) => kind === 'video');
  const track = tracks[at]!;
  const pictures = samples.filter(({ trackIndex }) => trackIndex === at).slice(0, count);
  const rest = { track, pts: 0, byteLength: 0, wallMs: 0, lost: 0 };
  return codedPictures(
    track,
    pictures.map(({ dts, key, units }) => ({ ...rest, dts, key, units })),
  )!;
}

/** The same of AV1, as recordings have it: the sequence header beside the pictures. */
function av1Pictures(count: number): CodedPictures {
  const path = new URL('../../../media/src/codec/av1/testdata/clip.ivf', import.meta.url);
  const pictures = ivfPictures(new Uint8Array(readFileSync(path)));
  const [delimiter, sequence] = splitObus(pictures[0]!);
  const parameterSets = [writeAv1C(pictures[0]!.subarray(sequence!.body, sequence!.end))];
  const track: Track = { id: 0, kind: 'video', codec: 'av1', clockRate: 90_000, parameterSets };
  const rest = { track, pts: 0, byteLength: 0, wallMs: 0, lost: 0 };
  return codedPictures(
    track,
    pictures.slice(0, count).map((picture, i) => {
      const units = [picture.subarray(i === 0 ? sequence!.end : delimiter!.end)];
      return { ...rest, dts: i, key: i === 0, units };
    }),
  )!;
}

const children = () =>
  readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
const sizeOf = (jpeg: Uint8Array) => {
  const { width, height, scanEnd } = readJpegHead(jpeg);
  assert.ok(scanEnd <= jpeg.length);
  return [width, height];
};

test('node-av is there for tests', () => assert.equal(hasNodeAv(), true));

test('pictures of every codec become a JPEG of their own size, or of the box that is asked for', async () => {
  await using decoder = new NodeAvDecoder();
  const { signal } = new AbortController();
  for (const name of ['clock-h264-aac', 'clock-h265-pcma']) {
    for (const count of [1, 12]) {
      const pictures = picturesOf(name, count);
      const jpeg = await decoder.decode(pictures, {}, signal);
      const [width, height] = sizeOf(jpeg);
      assert.ok(width! >= 320 && width! / height! > 1.7, `${name}: ${width} by ${height}`);
      assert.deepEqual(sizeOf(await decoder.decode(pictures, { width: 160 }, signal)), [160, 90]);
      assert.deepEqual(sizeOf(await decoder.decode(pictures, { width: 640, height: 45 }, signal)), [80, 44]);
      const again: CodedPictures = { codec: 'mjpeg', bytes: jpeg, count: 1, ends: [jpeg.length] };
      assert.deepEqual(sizeOf(await decoder.decode(again, { height: 90 }, signal)), [160, 90]);
    }
  }
});

test('pictures of AV1 become a JPEG, also where the sequence header is beside them', async () => {
  await using decoder = new NodeAvDecoder();
  const { signal } = new AbortController();
  for (const count of [1, 5]) {
    assert.deepEqual(sizeOf(await decoder.decode(av1Pictures(count), {}, signal)), [160, 90]);
  }
});

test('one child serves one after the other, two serve two at once, and none is left behind', async () => {
  const pictures = picturesOf('sub-h264', 1);
  const before = children();
  const begun = () => children().filter((pid) => !before.includes(pid));
  const decoder = new NodeAvDecoder();
  const { signal } = new AbortController();
  await decoder.decode(pictures, {}, signal);
  const [first] = begun();
  await decoder.decode(pictures, {}, signal);
  assert.deepEqual(begun(), [first]);
  await Promise.all([decoder.decode(pictures, {}, signal), decoder.decode(pictures, {}, signal)]);
  assert.equal(begun().length, 2);
  await decoder[Symbol.asyncDispose]();
  assert.deepEqual(begun(), []);
});

test('what cannot be decoded is told and harms nothing; a child that dies or hangs is replaced', async () => {
  const good = picturesOf('sub-h264', 1);
  const before = children();
  const child = () => children().find((pid) => !before.includes(pid))!;
  await using decoder = new NodeAvDecoder();
  const { signal } = new AbortController();
  const damaged: CodedPictures = { ...good, bytes: Uint8Array.from(good.bytes).fill(0x55) };
  await assert.rejects(decoder.decode(damaged, {}, signal), { code: 'DECODE_FAILED', message: /no picture/ });
  await decoder.decode(good, {}, signal);

  const first = child();
  process.kill(first, 'SIGSTOP');
  const dies = assert.rejects(decoder.decode(good, {}, signal), { kind: 'unavailable', code: 'DECODER_DIED' });
  process.kill(first, 'SIGKILL');
  await dies;
  await decoder.decode(good, {}, signal);

  const second = child();
  assert.notEqual(second, first);
  process.kill(second, 'SIGSTOP');
  const control = new AbortController();
  const hangs = assert.rejects(decoder.decode(good, {}, control.signal), /enough/);
  control.abort(new Error('enough'));
  await hangs;
  await decoder.decode(good, {}, signal);
  assert.notEqual(child(), second);
});

test('a process that has nothing else to do ends once its children are gone', async () => {
  const script = `
    import { NodeAvDecoder } from ${JSON.stringify(import.meta.resolve('./node-av.ts'))};
    const decoder = new NodeAvDecoder();
    const nothing = { codec: 'h264', bytes: new Uint8Array(8), count: 1, ends: [8] };
    await decoder.decode(nothing, {}, new AbortController().signal).catch(({ code }) => console.log(code));
    await decoder[Symbol.asyncDispose]();
    console.log('closed');`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  assert.equal(stdout, 'DECODE_FAILED\nclosed\n');
});

test('the decoder that is installed closes with the server', async () => {
  const before = children();
  const decoder = new JpegDecoder(installedDecoder());
  assert.deepEqual(sizeOf(await decoder.toJpeg(picturesOf('sub-h264', 1), { height: 90 })), [160, 90]);
  await decoder[Symbol.asyncDispose]();
  assert.deepEqual(children(), before);
});
