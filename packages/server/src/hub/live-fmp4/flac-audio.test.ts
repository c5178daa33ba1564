import assert from 'node:assert/strict';
import test from 'node:test';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { FlacAudio } from './flac-audio.ts';

const alaw: Track = {
  id: 3,
  kind: 'audio',
  codec: 'pcma',
  clockRate: 8000,
  sampleRate: 8000,
  channels: 1,
  parameterSets: [],
};

function packet(track: Track, pts: number, bytes: number): Sample {
  const units = [Uint8Array.from({ length: bytes }, (_, i) => (pts + i) & 255)];
  return { track, dts: pts, pts, key: true, units, byteLength: bytes, wallMs: 1000 + pts / 8, lost: 0 };
}

const cases: readonly { name: string; packets: readonly [pts: number, bytes: number][]; frames: readonly number[] }[] =
  [
    {
      name: 'a packet of 20 ms is one frame',
      packets: [
        [500, 160],
        [660, 160],
      ],
      frames: [500, 660],
    },
    { name: 'a packet of 100 ms is five frames', packets: [[0, 800]], frames: [0, 160, 320, 480, 640] },
    {
      name: 'small packets are put together',
      packets: [
        [0, 80],
        [80, 80],
        [160, 80],
      ],
      frames: [0],
    },
    {
      name: 'packets of odd sizes keep exact times',
      packets: [
        [7, 250],
        [257, 250],
      ],
      frames: [7, 167, 327],
    },
    {
      name: 'a step in time ends a frame early',
      packets: [
        [0, 200],
        [8000, 160],
      ],
      frames: [0, 160, 8000],
    },
    {
      name: 'a rest too short for FLAC is dropped at a step',
      packets: [
        [0, 170],
        [8000, 160],
      ],
      frames: [0, 8000],
    },
  ];

for (const { name, packets, frames } of cases) {
  test(name, () => {
    const flac = new FlacAudio(alaw);
    const out = packets.flatMap(([pts, bytes]) => flac.push(packet(alaw, pts, bytes)));
    assert.deepEqual(
      out.map((frame) => frame.dts),
      frames,
    );
    for (const frame of out) assert.equal(frame.units[0]![0], 0xff, 'FLAC sync code');
  });
}

test('the rest comes out at the end, and times of capture follow the samples', () => {
  const flac = new FlacAudio(alaw);
  const [first, second] = flac.push(packet(alaw, 8000, 400));
  assert.deepEqual([first!.wallMs, second!.wallMs], [2000, 2020]);
  assert.equal(flac.endTicks, 8320);
  assert.equal(flac.end()?.dts, 8320);
  assert.equal(flac.endTicks, 8400);
  assert.equal(flac.end(), undefined);
});

test('L16 is big endian, and its track keeps rate and channels', () => {
  const l16: Track = { ...alaw, codec: 'l16', clockRate: 44_100, sampleRate: 44_100, channels: 2 };
  const flac = new FlacAudio(l16);
  const silence = { ...packet(l16, 0, 0), units: [new Uint8Array(882 * 4)] };
  assert.equal(flac.push(silence).length, 1);
  const { codec, sampleRate, channels, id, parameterSets } = flac.track;
  assert.deepEqual({ codec, sampleRate, channels, id }, { codec: 'flac', sampleRate: 44_100, channels: 2, id: 3 });
  assert.equal(parameterSets[0]!.length, 38);
});
