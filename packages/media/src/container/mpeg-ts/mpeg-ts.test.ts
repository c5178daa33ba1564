import assert from 'node:assert/strict';
import test from 'node:test';
import { concatBytes, fromHex, readU16, toHex } from '@watchpost/base/bytes.ts';
import type { Sample, Track } from '../../types.ts';
import { tsLeftOut } from './carriage.ts';
import { crc32Mpeg } from './crc32.ts';
import { TsDemuxer } from './demuxer.ts';
import { fuzz, seeds } from './fuzz.ts';
import { TsMuxer } from './muxer.ts';
import { readTimestamp, unwrap33, writePesHeader } from './pes-header.ts';
import { parsePat, parsePmt, writePat, writePmt } from './tables.ts';
import type { TsUnit } from './track-reader.ts';

const video: Track = {
  ...{ id: 0x100, kind: 'video', codec: 'h264', clockRate: 90_000, width: 640, height: 480, fps: 25 },
  parameterSets: [fromHex('6742c01ed900a03db011000003000100000300320f162e48'), fromHex('68cb83cb20')],
};
const aac: Track = {
  ...{ id: 0x101, kind: 'audio', codec: 'aac', clockRate: 16_000, sampleRate: 16_000, channels: 1 },
  parameterSets: [fromHex('1408')],
};
const opus: Track = {
  ...{ id: 0x101, kind: 'audio', codec: 'opus', clockRate: 48_000, sampleRate: 48_000, channels: 2 },
  parameterSets: [],
};
const delayTicks = 18_000;

/** A slice of so many bytes; `seed` tells them apart, and nothing in it looks like a start code. */
function slice(bytes: number, key: boolean, seed: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i === 0 ? (key ? 0x65 : 0x41) : ((i * seed) % 251) + 4));
}

function sampleOf(track: Track, dts: number, options: Partial<Sample> = {}): Sample {
  return {
    track,
    dts,
    pts: dts,
    key: true,
    units: [slice(10, true, 3)],
    byteLength: 10,
    wallMs: 0,
    lost: 0,
    ...options,
  };
}

function collect() {
  const tracks: Track[] = [];
  const units: (TsUnit & { codec: string })[] = [];
  const demuxer = new TsDemuxer({
    track: (track) => void tracks.push(track),
    unit: (track, unit) => void units.push({ codec: track.codec, ...unit }),
  });
  return { tracks, units, demuxer };
}

function packetsOf(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / 188 }, (_, i) => bytes.subarray(i * 188, i * 188 + 188));
}

test('samples of every size come back as they were written', () => {
  const samples: Sample[] = [];
  for (let i = 0; i < 400; i++) {
    const key = i % 50 === 0;
    const dts = i * 3600;
    samples.push(
      sampleOf(video, dts, { pts: dts + (i % 3) * 3600, key, units: [slice(i + 2, key, 7), slice(300, false, 5)] }),
    );
    samples.push(sampleOf(aac, i * 640, { units: [slice(1 + (i % 700), true, 11)] }));
  }
  const muxer = new TsMuxer([video, aac]);
  const { tracks, units, demuxer } = collect();
  for (let at = 0; at < samples.length; at += 7) {
    const bytes = muxer.write(samples.slice(at, at + 7));
    for (let from = 0; from < bytes.length; from += 101) demuxer.push(bytes.subarray(from, from + 101));
  }
  demuxer.flush();
  assert.deepEqual(demuxer.counts, { skippedBytes: 0, lostPackets: 0, unusablePackets: 0, malformed: 0 });
  assert.deepEqual(tracks, [video, aac]);
  for (const track of [video, aac]) {
    const delay = (delayTicks * track.clockRate) / 90_000;
    assert.deepEqual(
      units.filter((unit) => unit.codec === track.codec),
      samples
        .filter((sample) => sample.track === track)
        .map(({ dts, pts, key, units: all }) => ({
          codec: track.codec,
          dts: dts + delay,
          pts: pts + delay,
          key,
          units: all,
        })),
    );
  }
});

test('Opus packets of any size come back', () => {
  const samples = [1, 254, 255, 256, 510, 1275].map((size, i) =>
    sampleOf(opus, i * 960, { units: [slice(size, true, 3)] }),
  );
  const { tracks, units, demuxer } = collect();
  demuxer.push(new TsMuxer([opus]).write(samples));
  demuxer.flush();
  assert.deepEqual(tracks, [opus]);
  assert.deepEqual(
    units.map((unit) => unit.units),
    samples.map((sample) => sample.units),
  );
});

test('packets are whole, counters go on over batches, each segment begins with the tables', () => {
  const muxer = new TsMuxer([video, aac]);
  const counters = new Map<number, number>();
  for (let segment = 0; segment < 20; segment++) {
    const samples = Array.from({ length: 25 }, (_, i) =>
      sampleOf(video, (segment * 25 + i) * 3600, { key: i === 0, units: [slice(500 + i * 31, i === 0, 3)] }),
    );
    const packets = packetsOf(muxer.write(samples));
    assert.deepEqual(
      packets.slice(0, 3).map((packet) => readU16(packet, 1) & 0x1fff),
      [0, 0x1000, 0x100],
    );
    assert.equal(packets[2]![5]! & 0x50, 0x50, 'random access and a PCR');
    for (const packet of packets) {
      assert.equal(packet[0], 0x47);
      const pid = readU16(packet, 1) & 0x1fff;
      const counter = packet[3]! & 15;
      assert.equal(counter, ((counters.get(pid) ?? 15) + 1) & 15);
      counters.set(pid, counter);
    }
  }
});

test('a key picture brings delimiter and parameter sets, another one its delimiter', () => {
  const muxer = new TsMuxer([video]);
  const [sps, pps] = video.parameterSets.map(toHex);
  const text = toHex(muxer.write([sampleOf(video, 0, { units: [fromHex('65aa')] })]));
  assert.ok(text.endsWith(`0000000109f000000001${sps}00000001${pps}00000165aa`));
  const next = toHex(muxer.write([sampleOf(video, 3600, { key: false, units: [fromHex('41bb')] })]));
  assert.ok(next.endsWith('0000000109f000000141bb'));
});

test('tracks of other codecs are another version of the map; new parameter sets are not', () => {
  const muxer = new TsMuxer([video]);
  const versionOf = (sample: Sample) => parsePmt(sectionOf(packetsOf(muxer.write([sample], { tables: true }))[1]!))!;
  assert.equal(versionOf(sampleOf(video, 0)).version, 0);
  const other = { ...video, parameterSets: [...video.parameterSets, fromHex('68cb83cb40')] };
  muxer.setTracks([other]);
  assert.equal(versionOf(sampleOf(other, 0)).version, 0);
  muxer.setTracks([other, aac]);
  const map = versionOf(sampleOf(other, 0));
  assert.equal(map.version, 1);
  assert.deepEqual(
    map.streams.map(({ pid, codec }) => [pid, codec]),
    [
      [0x100, 'h264'],
      [0x101, 'aac'],
    ],
  );
  const { tracks, demuxer } = collect();
  demuxer.push(muxer.write([sampleOf(other, 0), sampleOf(aac, 0)]));
  muxer.setTracks([video]);
  demuxer.push(muxer.write([sampleOf(video, 3600)]));
  demuxer.flush();
  assert.deepEqual(
    tracks.map((track) => track.parameterSets.length),
    [2, 1, 2],
    'the reader follows the new map',
  );
});

function sectionOf(packet: Uint8Array): Uint8Array {
  return packet.subarray(5, 5 + 3 + (readU16(packet, 6) & 0xfff));
}

test('tables: written ones are read; a wrong checksum and a cut map are refused', () => {
  const pat = writePat(3);
  assert.deepEqual(parsePat(pat), [0x1000]);
  assert.equal(parsePmt(pat), undefined);
  assert.equal(crc32Mpeg(pat, 0, pat.length), 0);
  // FFmpeg 5.1's own table for one programme at PID 0x1000.
  assert.deepEqual(parsePat(fromHex('00b00d0001c100000001f0002ab104b2')), [0x1000]);
  const pmt = writePmt(0, [video, opus], 0x100);
  assert.deepEqual(
    parsePmt(pmt)?.streams.map(({ codec, channels }) => [codec, channels]),
    [
      ['h264', 2],
      ['opus', 2],
    ],
  );
  pmt[20]! ^= 1;
  assert.throws(() => parsePmt(pmt), { code: 'TS_CRC', kind: 'malformed' });
});

test('timestamps have 33 bits, and go on over their end', () => {
  const bytes = new Uint8Array(19);
  for (const ticks of [0, 1, 0x7fff, 0x8000, 2 ** 32 - 1, 2 ** 32, 2 ** 33 - 1]) {
    writePesHeader(bytes, { streamId: 0xe0, payload: 0, pts: ticks, dts: ticks + 1 });
    assert.equal(readTimestamp(bytes, 9), ticks);
    assert.equal(readTimestamp(bytes, 14), (ticks + 1) % 2 ** 33);
  }
  assert.equal(unwrap33(5, 2 ** 33 - 10), 2 ** 33 + 5);
  assert.equal(unwrap33(2 ** 33 - 10, 5), -10);
});

test('a lost packet costs its picture, one sent twice nothing, and what is marked as broken is not used', () => {
  const big = (i: number) => sampleOf(video, i * 3600, { key: i === 0, units: [slice(2000, i === 0, 3)] });
  const packets = packetsOf(new TsMuxer([video]).write([big(0), big(1), big(2)]));
  const read = (all: Uint8Array[]) => {
    const { units, demuxer } = collect();
    demuxer.push(concatBytes(all));
    demuxer.flush();
    return [units.length, demuxer.counts.lostPackets, demuxer.counts.unusablePackets];
  };
  const at = Math.floor(packets.length / 2);
  assert.deepEqual(read(packets), [3, 0, 0]);
  assert.deepEqual(read(packets.toSpliced(at, 1)), [2, 1, 0]);
  assert.deepEqual(read(packets.toSpliced(at, 0, packets[at]!)), [3, 0, 0]);
  const marked = packets[at]!.slice();
  marked[1]! |= 0x80;
  assert.deepEqual(read(packets.with(at, marked)), [2, 1, 1]);
});

test('the first picture of an encoder that was started anew is read whole, whatever its counter says', () => {
  const big = (i: number) =>
    sampleOf(video, i * 3600, { key: i === 0, units: [slice(i === 0 ? 2000 : 20, i === 0, 3)] });
  const packets = packetsOf(new TsMuxer([video]).write([big(0), big(1)]));
  const pidOf = (packet: Uint8Array) => ((packet[1]! & 0x1f) << 8) | packet[2]!;
  const isPicture = (packet: Uint8Array) => pidOf(packet) === pidOf(packets.at(-1)!);
  const shift = packets.at(-1)![3]! - packets.find(isPicture)![3]!;
  const anew = packets.map((packet) =>
    isPicture(packet) ? packet.with(3, (packet[3]! & 0xf0) | ((packet[3]! + shift) & 15)) : packet,
  );
  const { units, demuxer } = collect();
  demuxer.push(concatBytes([...packets, ...anew]));
  demuxer.flush();
  assert.deepEqual(
    units.map(({ key }) => key),
    [true, false, true, false],
  );
});

test('packets are found again behind garbage, however it is cut', () => {
  const samples = Array.from({ length: 30 }, (_, i) => sampleOf(video, i * 3600));
  const bytes = concatBytes([fromHex('4700ff47'), new TsMuxer([video]).write(samples)]);
  for (const size of [1, 3, 187, 188, 189, 4096]) {
    const { units, demuxer } = collect();
    for (let at = 0; at < bytes.length; at += size) demuxer.push(bytes.subarray(at, at + size));
    demuxer.flush();
    assert.equal(units.length, 30, `pieces of ${size}`);
    assert.equal(demuxer.counts.skippedBytes, 4);
  }
});

test('what MPEG-TS cannot carry is left out with a reason', () => {
  const cases: [codec: Track['codec'], isCarried: boolean][] = [
    ['h265', true],
    ['mp3', true],
    ['pcma', false],
    ['mjpeg', false],
    ['l16', false],
  ];
  for (const [codec, isCarried] of cases) {
    const track: Track = { ...video, codec };
    assert.equal(tsLeftOut(track) === undefined, isCarried, codec);
  }
  const muxer = new TsMuxer([{ ...aac, codec: 'pcma' }, video]);
  assert.deepEqual(muxer.tracks, [video]);
  assert.equal(muxer.write([sampleOf({ ...aac, codec: 'pcma' }, 0)]).length, 0);
});

test('seeds of the fuzz entry are read, and cut anywhere they are survived', () => {
  for (const seed of seeds) for (let length = 0; length <= seed.length; length += 13) fuzz(seed.subarray(0, length));
  const codecs = seeds.map((seed) => {
    const { tracks, demuxer } = collect();
    demuxer.push(seed);
    demuxer.flush();
    return tracks.map((track) => track.codec);
  });
  assert.deepEqual(codecs, [['h264', 'aac'], ['opus']]);
});
