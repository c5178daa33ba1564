import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sample, Track } from '../types.ts';
import { bringsOtherTracks } from './track-change.ts';

const video: Track = { id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, parameterSets: [] };
const sound: Track = { id: 1, kind: 'audio', codec: 'aac', clockRate: 48_000, parameterSets: [] };

function sample(track: Track, key: boolean): Sample {
  return { track, dts: 0, pts: 0, key, units: [], byteLength: 0, wallMs: 0, lost: 0 };
}

test('a muxer hears of other tracks, and of sound that comes or goes at a key picture', () => {
  const next = { video: { ...video }, sound: { ...sound } };
  const cases: [boolean, Sample, Track[], Track[]][] = [
    [false, sample(video, true), [video, sound], [video, sound]],
    [false, sample(video, false), [video, sound], [video]],
    [true, sample(video, true), [video, sound], [video]],
    [false, sample(sound, true), [video, sound], [video]],
    [false, sample(sound, true), [video], [video, sound]],
    [true, sample(video, true), [video], [video, sound]],
    [true, sample(next.video, true), [video, sound], [next.video, next.sound]],
    [true, sample(next.sound, true), [video], [next.video, next.sound]],
    [false, sample(video, true), [video], [next.video, next.sound]],
    [true, sample(sound, true), [], [sound]],
  ];
  for (const [expected, one, known, current] of cases) {
    const what = `${one.track.kind} key=${one.key}, ${known.length} known, ${current.length} now`;
    assert.equal(bringsOtherTracks(one, known, current), expected, what);
  }
});
