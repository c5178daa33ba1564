import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import test from 'node:test';
import type { Track } from '@watchpost/media/types.ts';
import type { LiveChunk } from '../../hub/live-fmp4/live-chunk.ts';
import { socketAnswer } from '../../net/media-answer.ts';
import { FileFace, fmp4Type } from './file-face.ts';

const picture: Track = { id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, parameterSets: [Uint8Array.of(1)] };
const sound: Track = { id: 1, kind: 'audio', codec: 'aac', clockRate: 48_000, parameterSets: [Uint8Array.of(2)] };

/** The first chunk after an init segment of its own. */
function chunkOf(name: string, ...tracks: Track[]): LiveChunk {
  const init = { bytes: Buffer.from(`init ${name}`), mime: 'video/mp4', codecs: '', tracks };
  const times = { startMs: 0, endMs: 40, ptsMs: 0, wallMs: 0 };
  return { init, session: 1, bytes: Buffer.from(name), key: true, samplesBefore: 0, samples: 1, ...times };
}

test('new parameter sets of a picture bring their init segment in between', () => {
  const written: string[] = [];
  const socket = { write: (bytes: Uint8Array | string) => written.push(bytes.toString()), setTimeout: () => {} };
  const face = new FileFace(socketAnswer(socket as unknown as Socket, fmp4Type));
  const small = chunkOf('small', picture, sound);
  const large = chunkOf('large', { ...picture, parameterSets: [Uint8Array.of(3)] }, sound);
  for (const chunk of [small, small, large, large, small]) {
    assert.equal(face.takes(chunk), true);
    assert.equal(face.show(chunk), chunk.bytes);
  }
  assert.deepEqual(written.slice(1), ['init small', 'init large', 'init small']);
});

test('what one file cannot express ends it', () => {
  const socket = { write: () => true, setTimeout: () => {} };
  const cases: readonly Track[][] = [
    [picture],
    [{ ...picture, codec: 'h265' }, sound],
    [picture, { ...sound, codec: 'opus' }],
    [picture, { ...sound, parameterSets: [Uint8Array.of(4)] }],
    [picture, { ...sound, clockRate: 44_100 }],
  ];
  for (const tracks of cases) {
    const face = new FileFace(socketAnswer(socket as unknown as Socket, fmp4Type));
    face.show(chunkOf('first', picture, sound));
    assert.equal(face.takes(chunkOf('next', ...tracks)), false, JSON.stringify(tracks));
  }
});
