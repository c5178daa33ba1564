import assert from 'node:assert/strict';
import test from 'node:test';
import type { CodecName, Track } from '@watchpost/media/types.ts';
import { carriedTracks } from './carried-tracks.ts';

function track(codec: CodecName, more: Partial<Track> = {}): Track {
  return { id: 0, kind: 'audio', codec, clockRate: 90_000, parameterSets: [], ...more };
}

const cases: readonly [name: string, Track, reason: RegExp | undefined][] = [
  ['MJPEG', track('mjpeg', { kind: 'video', width: 640, height: 480 }), undefined],
  ['MJPEG before its first picture', track('mjpeg', { kind: 'video' }), /wait for a picture/],
  ['MP3', track('mp3', { sampleRate: 44_100, channels: 2 }), undefined],
  ['MP3 before its first frame', track('mp3'), /wait for a frame/],
  ['Opus', track('opus', { clockRate: 48_000 }), undefined],
  ['G.711', track('pcma', { clockRate: 8000 }), undefined],
  ['G.726', track('g726', { clockRate: 8000, encoding: 'G726-32' }), /no place for G\.726/],
  ['L16', track('l16', { clockRate: 44_100 }), /never encodes/],
];

for (const [name, one, reason] of cases) {
  test(`recordings ${reason === undefined ? 'carry' : 'leave out'} ${name}`, () => {
    const { tracks, leftOut } = carriedTracks([one]);
    assert.equal(tracks.length, reason === undefined ? 1 : 0);
    if (reason !== undefined) assert.match(leftOut[0]!.reason, reason);
  });
}
