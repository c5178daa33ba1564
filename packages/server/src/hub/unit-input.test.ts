import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { AnnouncedTrack, SourceUnit } from './types.ts';
import { UnitInput } from './unit-input.ts';

const video: Track = { id: 0, kind: 'video', codec: 'vp9', clockRate: 90_000, parameterSets: [] };
const audio: Track = { id: 1, kind: 'audio', codec: 'pcma', clockRate: 8000, sampleRate: 8000, parameterSets: [] };

function open() {
  const clock = new ManualClock();
  const sessions: { codecs: string[]; units: [number, number, boolean][] }[] = [];
  const input = new UnitInput((tracks: readonly AnnouncedTrack[]) => {
    const session = { codecs: tracks.map(({ track }) => track.codec), units: [] as [number, number, boolean][] };
    sessions.push(session);
    return {
      patienceMs: 0,
      ...{ writeRtp: () => {}, senderReport: () => {}, flush: () => {}, count: () => {}, close: () => {} },
      writeUnit: (index: number, unit: SourceUnit) => {
        session.units.push([index, unit.dts, unit.track !== undefined]);
      },
    };
  }, clock);
  const unit = (track: Track, ms: number, key = true) => {
    const dts = (ms * track.clockRate) / 1000;
    input.unit(track, { dts, pts: dts, key, units: [new Uint8Array(4)] });
  };
  return { clock, input, sessions, unit };
}

test('picture and sound begin together, in order of their times, though one comes later', () => {
  const { input, sessions, unit } = open();
  input.track(video);
  unit(video, 100);
  unit(video, 140);
  assert.equal(sessions.length, 0);
  input.track(audio);
  unit(audio, 90);
  assert.deepEqual(sessions, [
    {
      codecs: ['vp9', 'pcma'],
      units: [
        [1, 720, false],
        [0, 9000, false],
        [0, 12_600, false],
      ],
    },
  ]);
});

test('a stream of one kind is waited with for a moment, or not at all where the source says so', () => {
  const { clock, input, sessions, unit } = open();
  input.track(video);
  unit(video, 0);
  clock.advance(500);
  input.flush();
  assert.equal(sessions.length, 0);
  clock.advance(300);
  input.flush();
  assert.deepEqual(
    sessions.map(({ codecs }) => codecs),
    [['vp9']],
  );
  const told = open();
  told.input.expect({ video: true, audio: false });
  told.input.track(video);
  told.unit(video, 0);
  assert.equal(told.sessions.length, 1);
});

/** A stream of pictures alone, to which sound has come. */
function openLate() {
  const opened = open();
  const { input, unit } = opened;
  input.expect({ video: true, audio: false });
  input.track(video);
  unit(video, 0);
  input.track(audio);
  unit(audio, 40);
  return opened;
}

test('a picture that was announced is waited for, and sound from long before it is left out', () => {
  const { clock, input, sessions, unit } = open();
  input.expect({ video: true, audio: true });
  input.track(audio);
  for (let ms = 0; ms < 2000; ms += 500) {
    unit(audio, ms);
    clock.advance(500);
    input.flush();
  }
  assert.equal(sessions.length, 0);
  input.track(video);
  unit(video, 2000);
  const units = [
    [1, 12_000, false],
    [0, 180_000, false],
  ];
  assert.deepEqual(sessions, [{ codecs: ['vp9', 'pcma'], units }]);

  const alone = open();
  alone.input.expect({ video: true, audio: true });
  alone.input.track(audio);
  alone.unit(audio, 0);
  alone.clock.advance(8000);
  alone.input.flush();
  assert.deepEqual(alone.sessions, [{ codecs: ['pcma'], units: [[0, 0, false]] }]);
});

test('a kind that comes late, or another codec, begins a new session; new codec data do not; the same data are no news', () => {
  const { clock, input, sessions, unit } = openLate();
  unit(video, 0);
  assert.deepEqual(
    sessions.map(({ codecs }) => codecs),
    [['vp9'], ['vp9', 'pcma']],
  );
  const same: Track = { ...video };
  input.track(same);
  unit(same, 40);
  const changed: Track = { ...video, parameterSets: [Uint8Array.of(1)] };
  input.track(changed);
  unit(changed, 80);
  assert.deepEqual(sessions[1]!.units.slice(1), [
    [0, 3600, false],
    [0, 7200, true],
  ]);
  input.track({ ...changed, codec: 'av1' });
  assert.deepEqual(sessions[2]!.codecs, ['av1', 'pcma']);
  // A second picture is left out until the first one has been silent.
  const other: Track = { ...video, id: 7 };
  input.track(other);
  unit(other, 0);
  assert.equal(sessions.length, 3);
  clock.advance(4000);
  input.flush();
  unit(other, 0);
  assert.deepEqual(sessions[3]!.codecs, ['vp9', 'pcma']);
});

test('sound that comes late waits for a key picture: no picture is lost; or until there are no pictures any more', () => {
  const { clock, input, sessions, unit } = openLate();
  unit(video, 40, false);
  unit(audio, 60);
  unit(video, 80);
  unit(audio, 80);
  assert.deepEqual(
    sessions.map(({ units }) => units),
    [
      [
        [0, 0, false],
        [0, 3600, false],
      ],
      [
        [0, 7200, false],
        [1, 640, false],
      ],
    ],
  );
  input.track({ ...audio, codec: 'pcmu' });
  clock.advance(4000);
  input.flush();
  const other: Track = { ...audio, codec: 'pcmu' };
  unit(other, 120);
  assert.deepEqual(sessions[2], { codecs: ['vp9', 'pcmu'], units: [[1, 960, false]] });
});

test('tracks are numbered by their places, whatever numbers a container has for them', () => {
  const told: number[] = [];
  const input = new UnitInput((tracks: readonly AnnouncedTrack[]) => {
    told.push(...tracks.map(({ track }) => track.id));
    return {
      patienceMs: 0,
      ...{ writeRtp: () => {}, senderReport: () => {}, flush: () => {}, count: () => {}, close: () => {} },
      writeUnit: (_index: number, { track }: SourceUnit) => void (track && told.push(track.id)),
    };
  }, new ManualClock());
  const pid257 = { ...audio, id: 257 };
  const renewed = { ...pid257, parameterSets: [Uint8Array.of(1)] };
  const unit = { dts: 0, pts: 0, key: true, units: [new Uint8Array(4)] };
  for (const track of [{ ...video, id: 256 }, pid257]) {
    input.track(track);
    input.unit(track, unit);
  }
  input.unit(renewed, unit);
  assert.deepEqual(told, [0, 1, 1]);
});
