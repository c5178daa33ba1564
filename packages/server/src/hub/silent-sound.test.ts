import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Track } from '@watchpost/media/types.ts';
import { SilentSound } from './silent-sound.ts';

const video: Track = { id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, parameterSets: [] };
const sound: Track = { id: 1, kind: 'audio', codec: 'aac', clockRate: 48_000, parameterSets: [] };

function begun(tracks: readonly Track[]): SilentSound {
  const silent = new SilentSound();
  silent.begin();
  silent.change(tracks);
  return silent;
}

test('sound that does not come within 3 s of the first picture is left out, until it comes', () => {
  const all = [video, sound];
  const silent = begun(all);
  silent.observe(video, 10_000);
  silent.observe(video, 12_960);
  assert.equal(silent.tracks, all);
  silent.observe(video, 13_000);
  assert.deepEqual(silent.tracks, [video]);
  silent.observe(sound, 60_000);
  assert.equal(silent.tracks, all);
});

test('a session after a silent one begins without sound', () => {
  const silent = begun([video, sound]);
  silent.observe(video, 0);
  silent.observe(video, 3000);
  silent.begin();
  silent.change([{ ...video }, { ...sound }]);
  assert.deepEqual(silent.tracks, [video]);
});

test('sound that came once may pause, and sound alone is never left out', () => {
  const heard = begun([video, sound]);
  heard.observe(sound, 0);
  for (let ms = 0; ms < 60_000; ms += 40) heard.observe(video, ms);
  assert.deepEqual(heard.tracks, [video, sound]);
  const alone = begun([sound]);
  alone.observe(sound, 90_000);
  assert.deepEqual(alone.tracks, [sound]);
  const turned = new SilentSound(true);
  turned.begin();
  turned.change([sound]);
  assert.deepEqual(turned.tracks, [sound]);
});

test('what was known before counts from the first picture on, and who keeps it is told when it changes', () => {
  const told: boolean[] = [];
  const all = [video, sound];
  const silent = new SilentSound(true, (isSilent) => told.push(isSilent));
  silent.begin();
  silent.change(all);
  assert.deepEqual(silent.tracks, [video]);
  silent.observe(video, 0);
  silent.observe(video, 5000);
  silent.observe(sound, 6000);
  assert.deepEqual([silent.tracks, told], [all, [false]]);
});

test('a camera that announces no sound is not one whose sound does not come', () => {
  const told: boolean[] = [];
  const silent = new SilentSound(false, (isSilent) => told.push(isSilent));
  silent.begin();
  silent.change([video]);
  for (let ms = 0; ms < 10_000; ms += 40) silent.observe(video, ms);
  silent.begin();
  silent.change([video, sound]);
  assert.deepEqual([silent.tracks, told], [[video, sound], []]);
});
