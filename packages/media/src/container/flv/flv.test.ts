import assert from 'node:assert/strict';
import test from 'node:test';
import { concatBytes, fromHex, toHex } from '@watchpost/base/bytes.ts';
import type { Sample, Track } from '../../types.ts';
import { type AmfValue, readAmf0, writeAmf0, writeEcmaArray } from './amf0.ts';
import { readAmf3 } from './amf3.ts';
import { flvLeftOut } from './carriage.ts';
import { FlvDemuxer } from './demuxer.ts';
import { fuzz, seeds } from './fuzz.ts';
import { FlvMuxer, wrapTag } from './muxer.ts';
import { type FlvSink, FlvTagReader, type FlvUnit } from './tag-reader.ts';

const h264: Track = {
  ...{ id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, width: 640, height: 480, fps: 25 },
  parameterSets: [fromHex('6742c01ed900a03db011000003000100000300320f162e48'), fromHex('68cb83cb20')],
};
const h265: Track = {
  ...{ id: 0, kind: 'video', codec: 'h265', clockRate: 90_000, width: 1280, height: 720, fps: 50 },
  parameterSets: [
    fromHex('40010c01ffff022000000300900000030000030078928090'),
    fromHex('420101022000000300900000030000030078a00280802d136592a4932bc05a020000030002000003006410'),
    fromHex('4401c172b46240'),
  ],
};
const av1: Track = { id: 0, kind: 'video', codec: 'av1', clockRate: 90_000, parameterSets: [fromHex('810c0c00')] };
const vp9: Track = { id: 0, kind: 'video', codec: 'vp9', clockRate: 90_000, parameterSets: [fromHex('000a8202')] };
const sound = (codec: Track['codec'], sampleRate: number, channels: number, set?: string): Track => ({
  ...{ id: 1, kind: 'audio', codec, clockRate: sampleRate, sampleRate, channels },
  parameterSets: set === undefined ? [] : [fromHex(set)],
});
const aac = sound('aac', 16_000, 1, '1408');
const flac = sound('flac', 8000, 1, `80000022${'1000'.repeat(2)}000000000000${'01f400f000000000'}${'00'.repeat(16)}`);

function sampleOf(track: Track, dts: number, options: Partial<Sample> = {}): Sample {
  const unit = track.codec === 'h265' ? fromHex('2601aabb') : fromHex('65aabb');
  return { track, dts, pts: dts, key: true, units: [unit], byteLength: unit.length, wallMs: 0, lost: 0, ...options };
}

function collect() {
  const tracks: Track[] = [];
  const units: (FlvUnit & { codec: string })[] = [];
  const scripts: (readonly AmfValue[])[] = [];
  const sink: FlvSink = {
    track: (track) => void tracks.push(track),
    unit: (track, unit) => void units.push({ codec: track.codec, ...unit }),
    script: (values) => void scripts.push(values),
  };
  return { tracks, units, scripts, sink };
}

function fileOf(
  tracks: readonly Track[],
  samples: readonly Sample[],
  h265Form: 'fourcc' | 'id12' = 'fourcc',
): Uint8Array {
  const muxer = new FlvMuxer(tracks, { h265: h265Form });
  return concatBytes([
    muxer.begin({ videoMs: 0, audioMs: 0 }, { fileHeader: true }),
    ...samples.map((sample) => muxer.tag(sample)!),
  ]);
}

const carried: readonly [name: string, track: Track, form: 'fourcc' | 'id12'][] = [
  ['H.264', h264, 'fourcc'],
  ['H.265 by FourCC', h265, 'fourcc'],
  ['H.265 by id 12', h265, 'id12'],
  ['AV1', av1, 'fourcc'],
  ['VP9', vp9, 'fourcc'],
  ['AAC', aac, 'fourcc'],
  ['Opus', sound('opus', 48_000, 2), 'fourcc'],
  ['FLAC', flac, 'fourcc'],
  ['A-law', sound('pcma', 8000, 1), 'fourcc'],
  ['µ-law', sound('pcmu', 8000, 2), 'fourcc'],
  ['MP3', sound('mp3', 44_100, 2), 'fourcc'],
];

for (const [name, track, form] of carried) {
  test(`${name} comes back as it was written`, () => {
    const step = track.clockRate / 25;
    const isVideo = track.kind === 'video';
    const inter = fromHex(track.codec === 'h265' ? '0201cc' : '41cc');
    const samples = [sampleOf(track, 0), sampleOf(track, step, { key: !isVideo, units: [inter, inter] })];
    const { tracks, units, scripts, sink } = collect();
    const file = fileOf([track], samples, form);
    const demuxer = new FlvDemuxer(sink);
    for (let at = 0; at < file.length; at += 7) demuxer.push(file.subarray(at, at + 7));
    assert.equal(tracks.length, 1);
    const { codec, clockRate, sampleRate, channels, parameterSets } = track;
    assert.deepEqual(
      { ...tracks[0], width: undefined, height: undefined, fps: undefined },
      {
        ...{ id: track.id, kind: track.kind, codec, clockRate, width: undefined, height: undefined, fps: undefined },
        ...(isVideo ? {} : { sampleRate, channels }),
        parameterSets: codec === 'vp9' || codec === 'av1' || !isVideo ? parameterSets : [...parameterSets],
      },
    );
    const isNal = codec === 'h264' || codec === 'h265';
    const joined = isNal ? [inter, inter] : [concatBytes([inter, inter])];
    assert.deepEqual(units, [
      { codec, dts: 0, pts: 0, key: true, units: samples[0]!.units },
      { codec, dts: step, pts: step, key: !isVideo, units: joined },
    ]);
    assert.equal(scripts[0]![0], 'onMetaData');
    assert.deepEqual([demuxer.malformed, demuxer.skipped], [0, 0]);
  });
}

test('VP9 tells its size in key pictures: announced with the first one, and again where it changes', () => {
  const { tracks, units, sink } = collect();
  const reader = new FlvTagReader(sink);
  const body = (type: number, content: string) => fromHex(`${type.toString(16)}${'76703039'}${content}`);
  const key = (size: string) => body(0x91, `82498342${size}0`);
  reader.read(9, 0, body(0x90, '000a8202'));
  for (const picture of [key('2013f00b3'), body(0xa1, '86'), key('2013f00b3'), key('204ff02cf')])
    reader.read(9, 0, picture);
  assert.deepEqual(
    tracks.map(({ width, height, parameterSets }) => [width, height, toHex(parameterSets[0]!)]),
    [
      [320, 180, '000a8202'],
      [1280, 720, '000a8202'],
    ],
  );
  assert.deepEqual(
    units.map((unit) => unit.key),
    [true, false, true, true],
  );
});

test('the bytes of a tag are those of the specification', () => {
  const muxer = new FlvMuxer([h264, aac]);
  const picture = sampleOf(h264, 90 * 0x0100_0040, { pts: 90 * 0x0100_0068 });
  // Type, size 12, time 0x000040 and its upper byte 01, stream 0; key + AVC, NALU, composition 40; length, unit; size behind.
  assert.equal(
    toHex(muxer.tag(picture)!),
    '09' + '00000c' + '000040' + '01' + '000000' + '17' + '01' + '000028' + '00000003' + '65aabb' + '00000017',
  );
  assert.equal(toHex(muxer.tag(sampleOf(aac, 16))!), '08000005000001' + '00000000' + 'af01' + '65aabb' + '00000010');
  assert.equal(
    toHex(muxer.begin({ videoMs: 0, audioMs: 0 }, { fileHeader: true }).subarray(0, 13)),
    '464c560105' + '00000009' + '00000000',
  );
  const enhanced = new FlvMuxer([h265]);
  assert.equal(
    toHex(enhanced.tag(sampleOf(h265, 0))!.subarray(11)),
    `91${toHex(new TextEncoder().encode('hvc1'))}000000000000042601aabb0000001b`,
  );
});

test('timestamps begin at the origin, and wrap at 2^32 ms', () => {
  const muxer = new FlvMuxer([h264], { originMs: 1000 });
  assert.equal(muxer.timestampMs(sampleOf(h264, 90 * 1500)), 500);
  assert.equal(muxer.timestampMs(sampleOf(h264, 90 * 900)), 0, 'sound of before the first picture');
  assert.equal(muxer.timestampMs(sampleOf(h264, 90 * (2 ** 32 + 1040))), 40);
  const { units, sink } = collect();
  const reader = new FlvTagReader(sink);
  const bodies = [0xffff_ff00, 0x20].map((ms) => [ms, Uint8Array.of(0x72, 1)] as const);
  for (const [ms, body] of bodies) reader.read(8, ms, body);
  assert.equal(units[1]!.dts - units[0]!.dts, 0x120 * 8, 'the reader goes on over the wrap');
});

test('onMetaData is at time 0 wherever a viewer begins: FFmpeg takes it for a subtitle elsewhere', () => {
  const start = new FlvMuxer([h264]).begin({ videoMs: 5000, audioMs: 5000 }, { fileHeader: true });
  const timeAt = (at: number) => toHex(start.subarray(at + 4, at + 8));
  const scriptBytes = 11 + ((start[14]! << 16) | (start[15]! << 8) | start[16]!) + 4;
  assert.deepEqual([start[13], timeAt(13)], [18, '00000000']);
  assert.deepEqual([start[13 + scriptBytes], timeAt(13 + scriptBytes)], [9, '00138800']);
});

test('a composition time may be negative; parameter sets in band are taken over', () => {
  const { tracks, units, sink } = collect();
  const reader = new FlvTagReader(sink);
  const [start] = [new FlvMuxer([h264]).begin({ videoMs: 0, audioMs: 0 }, { fileHeader: false })];
  const demuxer = new FlvDemuxer(sink);
  demuxer.push(concatBytes([fromHex('464c5601010000000900000000'), start]));
  assert.equal(tracks.length, 1);
  const pps = fromHex('68cb83cb40');
  const body = concatBytes([fromHex('1701ffffd8'), fromHex('00000005'), pps, fromHex('0000000265aa')]);
  demuxer.push(wrapTag(9, 40, body));
  assert.equal(tracks.length, 2);
  assert.deepEqual(tracks[1]!.parameterSets, [h264.parameterSets[0], pps]);
  assert.deepEqual(units, [{ codec: 'h264', dts: 3600, pts: 0, key: true, units: [fromHex('65aa')] }]);
  reader.read(9, 0, body);
  assert.equal(reader.skipped, 1, 'no sequence header came before');
});

test('modifiers of enhanced RTMP are passed over', () => {
  const { units, sink } = collect();
  // ModEx of three bytes (a nanosecond offset), then coded frames of Opus.
  new FlvTagReader(sink).read(8, 0, fromHex('97 02 00000a 01 4f707573 aabb'));
  assert.deepEqual(units, [{ codec: 'opus', dts: 0, pts: 0, key: true, units: [fromHex('aabb')] }]);
});

test('what FLV cannot carry is left out with a reason, what is not complete yet without one', () => {
  const cases: [track: Track, reason: RegExp | undefined][] = [
    [sound('pcma', 16_000, 1), /8000 Hz only/],
    [sound('g726', 8000, 1), /G\.726/],
    [{ ...h264, codec: 'mjpeg' }, /MJPEG/],
    [sound('opus', 48_000, 6), /two channels/],
    [{ ...h264, parameterSets: [] }, undefined],
  ];
  for (const [track, reason] of cases) {
    if (reason === undefined) assert.equal(flvLeftOut(track), undefined);
    else assert.match(flvLeftOut(track) ?? '', reason);
    const muxer = new FlvMuxer([track, aac]);
    assert.deepEqual(muxer.tracks, track.kind === 'audio' ? muxer.tracks.slice(0, 1) : [aac]);
    assert.equal(muxer.tagBytes(sampleOf(track, 0)), 0);
  }
});

test('AMF0 values come back as they were written', () => {
  const value: AmfValue = { a: 1.5, b: [true, null, 'ü', undefined], c: { d: 'x'.repeat(70_000) } };
  assert.deepEqual(readAmf0(concatBytes([writeAmf0('f'), writeEcmaArray(value), writeAmf0(value)])), [
    'f',
    value,
    value,
  ]);
  assert.deepEqual(readAmf0(fromHex('05 11 0403 01 01'), 0, readAmf3), [null, 3, true]);
});

const brokenAmf: readonly [name: string, hex: string, code: string][] = [
  ['a number cut off', '00 3ff0', 'AMF0_CUT'],
  ['a text longer than its bytes', '02 ffff 61', 'AMF0_CUT'],
  ['an array of 2^32 - 1', '0a ffffffff', 'AMF0_VALUES'],
  ['objects in objects without end', '03000161'.repeat(100), 'AMF0_DEPTH'],
  ['a type that is none', '20', 'AMF0_MARKER'],
  ['AMF3 where nobody reads it', '11 03', 'AMF0_MARKER'],
];
for (const [name, hex, code] of brokenAmf) {
  test(`AMF0: ${name} is refused`, () => {
    assert.throws(() => readAmf0(fromHex(hex)), { code, kind: 'malformed' });
  });
}

test('a broken body is counted and the next tag goes on; broken framing is refused', () => {
  const { units, sink } = collect();
  const demuxer = new FlvDemuxer(sink);
  const pcma = sound('pcma', 8000, 1);
  const muxer = new FlvMuxer([pcma]);
  demuxer.push(muxer.begin({ videoMs: 0, audioMs: 0 }, { fileHeader: true }));
  demuxer.push(wrapTag(8, 0, fromHex('af00')));
  demuxer.push(muxer.tag(sampleOf(pcma, 0))!);
  assert.deepEqual([demuxer.malformed, units.length], [1, 1]);
  assert.throws(() => demuxer.push(fromHex('0700000000000000000000')), { code: 'FLV_TAG' });
  assert.throws(() => new FlvDemuxer(sink).push(new TextEncoder().encode('<html><body>')), { code: 'FLV_SIGNATURE' });
});

test('a body of more than 8 MiB is refused before memory is taken', () => {
  const demuxer = new FlvDemuxer(collect().sink);
  demuxer.push(fromHex('464c5601010000000900000000'));
  assert.throws(() => demuxer.push(fromHex('09ffffff00000000000000')), { code: 'FLV_TAG_TOO_LARGE' });
});

test('seeds of the fuzz entry are read, and cut anywhere they are survived', () => {
  for (const seed of seeds) for (let length = 0; length <= seed.length; length++) fuzz(seed.subarray(0, length));
  const { units, sink } = collect();
  new FlvDemuxer(sink).push(seeds[0]!);
  assert.deepEqual(
    units.map((unit) => unit.codec),
    ['vp9', 'aac'],
  );
});

test('MP3 of any sample rate comes back: the frame tells what the tag cannot', () => {
  for (const [sampleRate, rateBits, lead] of [
    [44_100, 0, '2e'],
    [48_000, 1, '912e6d7033'],
    [32_000, 2, '912e6d7033'],
  ] as const) {
    // MPEG-1 layer III, 128 kbit/s, one channel.
    const frame = Uint8Array.of(0xff, 0xfb, 0x90 | (rateBits << 2), 0xc0);
    const track = sound('mp3', sampleRate, 1);
    const file = fileOf([track], [sampleOf(track, 0, { units: [frame] })]);
    assert.ok(toHex(file).includes(`${lead}fffb`), `${sampleRate}: ${toHex(file)}`);
    const { tracks, sink } = collect();
    new FlvDemuxer(sink).push(file);
    assert.deepEqual([tracks[0]!.sampleRate, tracks[0]!.channels], [sampleRate, 1]);
  }
});
