import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { concatBytes, writeU16 } from '@watchpost/base/bytes.ts';
import { ivfPictures } from '@watchpost/media/codec/av1/test-clip.ts';
import { writeFragment } from '@watchpost/media/container/fmp4/fragment.ts';
import { writeInitSegment } from '@watchpost/media/container/fmp4/init-segment.ts';
import { rtpHeaderBytes, writeRtpHeader } from '@watchpost/media/rtp/packet.ts';
import { packetizeAv1 } from '@watchpost/media/rtp/packetize/av1.ts';
import { packetizeJpeg } from '@watchpost/media/rtp/packetize/jpeg.ts';
import { packetizeMpegAudio } from '@watchpost/media/rtp/packetize/mpeg-audio.ts';
import { packetizeVp8, packetizeVp9 } from '@watchpost/media/rtp/packetize/vpx.ts';
import type { AccessUnit, Sample } from '@watchpost/media/types.ts';
import { runProgram } from './harness.ts';
import { captureRtp, depacketize } from './rtp-capture.ts';

const folder = mkdtempSync(join(tmpdir(), 'codecs-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

async function ffmpeg(...args: string[]): Promise<Buffer> {
  const { status, stdout, stderr } = await runProgram('ffmpeg', ['-v', 'error', '-y', ...args]);
  assert.equal(status, 0, stderr);
  return stdout;
}

/** One MD5 for each frame (decoded) or packet (copied), without its time. */
async function md5s(file: string, ...args: string[]): Promise<string[]> {
  const lines = (await ffmpeg('-i', file, ...args, '-f', 'framemd5', '-')).toString().trim().split('\n');
  return lines.filter((line) => !line.startsWith('#')).map((line) => line.split(',')[5]!.trim());
}

/** Our MP4 file of units. */
function writeMp4(name: string, units: readonly AccessUnit[]): string {
  const { track } = units.at(-1)!;
  const samples = units.map((unit, i): Sample => {
    const dts = (unit.rtpTimestamp - units[0]!.rtpTimestamp) >>> 0;
    const all = unit.units();
    const byteLength = all.reduce((sum, one) => sum + one.length, 0);
    return { track, dts, pts: dts, key: true, units: all, byteLength, wallMs: i, lost: 0 };
  });
  const nextDts = samples.at(-1)!.dts + (samples[1]!.dts - samples[0]!.dts);
  writeFileSync(at(name), concatBytes([writeInitSegment([track]), writeFragment(1, [{ track, samples, nextDts }])]));
  return at(name);
}

const bytesOf = (units: readonly AccessUnit[]) => concatBytes(units.flatMap((unit) => unit.units()));
const medium = (kind: string, type: number, lines: readonly string[]) =>
  [`m=${kind} 0 RTP/AVP ${type}`, ...lines.map((line) => `a=${line}`), ''].join('\r\n');
const steps = (units: readonly AccessUnit[]) =>
  units.slice(1).map((unit, i) => (unit.rtpTimestamp - units[i]!.rtpTimestamp) >>> 0);

/** GStreamer with a tee: what goes into the payloader is kept in a file. */
function gstreamer(source: string, file: string, payloader: string) {
  return captureRtp('gst-launch-1.0', (port) =>
    `-v ${source} ! tee name=t ! queue ! ${payloader} ! udpsink host=127.0.0.1 port=${port} t. ! queue ! filesink location=${at(file)}`.split(
      ' ',
    ),
  );
}

const picture = (caps: string) => `videotestsrc num-buffers=20 pattern=ball ! video/x-raw,${caps},framerate=20/1`;
const pictures = [
  ['4:2:0 at quality 85', `${picture('format=I420,width=322,height=182')} ! jpegenc`, '322,182'],
  ['4:2:2 at quality 40', `${picture('format=Y42B,width=320,height=184')} ! jpegenc quality=40`, undefined],
  ['wider than 2040 pixels', `${picture('format=I420,width=2304,height=64')} ! jpegenc`, '2304,64'],
] as const;

/** With the configuration that GStreamer tells on its way: a short pipeline may be over before it has told it. */
async function latmFromGstreamer(source: string) {
  for (let tries = 0; tries < 5; tries++) {
    const { rtp, output } = await gstreamer(source, 'd.raw', 'rtpmp4apay mtu=300');
    const config = /config=\(string\)([0-9a-f]+)/.exec(output)?.[1];
    if (config !== undefined) return { rtp, config };
  }
  throw new Error('GStreamer did not tell the configuration of its AAC-LATM');
}

/** The packets of payloads that belong to one unit. */
function packets(
  payloads: readonly Uint8Array[],
  unit: { type: number; timestamp: number; from: number },
): Uint8Array[] {
  return payloads.map((payload, i) => {
    const packet = new Uint8Array(rtpHeaderBytes + payload.length);
    const { type: payloadType, timestamp, from } = unit;
    const marker = i === payloads.length - 1;
    writeRtpHeader(packet, 0, { payloadType, marker, sequence: (from + i) & 0xffff, timestamp, ssrc: 1 });
    packet.set(payload, rtpHeaderBytes);
    return packet;
  });
}

test('AV1 that goes through packets and MP4 is decoded to the same pictures', async () => {
  const clip = join(import.meta.dirname, '../packages/media/src/codec/av1/testdata/clip.ivf');
  const pictures = ivfPictures(new Uint8Array(readFileSync(clip)));
  const expected = await md5s(clip);
  assert.equal(expected.length, 12);
  const sdp = medium('video', 96, ['rtpmap:96 AV1/90000', 'fmtp:96 profile=0;level-idx=0;tier=0']);
  for (const maxPayloadBytes of [90, 1200]) {
    let from = 65_530;
    const rtp = pictures.flatMap((picture, i) => {
      const payloads = packetizeAv1(picture, maxPayloadBytes, i % 6 === 0 ? {} : undefined);
      const cut = packets(payloads, { type: 96, timestamp: i * 9000, from });
      from += cut.length;
      return cut;
    });
    const { units, dropped } = depacketize(sdp, rtp);
    assert.equal(dropped, 0);
    assert.deepEqual(
      units.map(({ key }) => key),
      pictures.map((_, i) => i % 6 === 0),
    );
    assert.deepEqual(await md5s(writeMp4(`av1-${maxPayloadBytes}.mp4`, units)), expected);
  }
});

describe('JPEG', { concurrency: 2 }, () => {
  for (const [i, [name, source, size]] of pictures.entries()) {
    test(`that GStreamer sends is the same pictures: ${name}`, async () => {
      const { rtp } = await gstreamer(source, `g${i}.mjpeg`, 'rtpjpegpay mtu=1200');
      const sdp = medium('video', 26, size === undefined ? [] : [`x-dimensions:${size}`]);
      const { units, dropped } = depacketize(sdp, rtp);
      assert.equal(dropped, 0);
      if (size !== undefined) assert.equal(`${units[0]!.track.width},${units[0]!.track.height}`, size);
      const expected = await md5s(at(`g${i}.mjpeg`));
      assert.equal(expected.length, 20);
      assert.deepEqual(await md5s(writeMp4(`g${i}.mp4`, units)), expected);
      assert.deepEqual(new Set(steps(units)), new Set([4500]));
      // And back again: what the packetizer makes of these pictures comes out of the depacketizer as they were.
      let from = 65_530;
      const again = units.flatMap((unit) => {
        const cut = packets(packetizeJpeg(unit.units()[0]!, 900), { type: 26, timestamp: unit.rtpTimestamp, from });
        from += cut.length;
        return cut;
      });
      assert.deepEqual(bytesOf(depacketize(sdp, again).units), bytesOf(units));
    });
  }

  test('that FFmpeg sends is the same pictures', async () => {
    const source = ['-f', 'lavfi', '-i', 'testsrc2=s=320x184:r=20:d=1', '-pix_fmt', 'yuvj420p', '-huffman', 'default'];
    await ffmpeg(...source, '-c:v', 'mjpeg', '-q:v', '4', at('f.mjpeg'));
    const { rtp } = await captureRtp('ffmpeg', (port) => [
      ...['-v', 'error', '-re', '-r', '20', '-i', at('f.mjpeg'), '-c', 'copy', '-f', 'rtp', `rtp://127.0.0.1:${port}`],
    ]);
    const { units, dropped } = depacketize(medium('video', 26, []), rtp);
    assert.equal(dropped, 0);
    assert.deepEqual(await md5s(writeMp4('f.mp4', units)), await md5s(at('f.mjpeg')));
  });
});

/** With sequence numbers that go on from the first to the last. */
function renumber(all: readonly Uint8Array[]): readonly Uint8Array[] {
  for (const [i, packet] of all.entries()) writeU16(packet, 2, i);
  return all;
}

/** IVF, the plainest container of VP8 and VP9. */
function writeIvf(name: string, fourcc: string, units: readonly AccessUnit[]): string {
  const head = Buffer.alloc(32);
  head.write(`DKIF\0\0 \0${fourcc}`, 'latin1');
  head.writeUInt16LE(units[0]!.track.width!, 12);
  head.writeUInt16LE(units[0]!.track.height!, 14);
  head.writeUInt32LE(20, 16);
  head.writeUInt32LE(1, 20);
  head.writeUInt32LE(units.length, 24);
  const frames = units.map((unit, i) => {
    const frame = Buffer.alloc(12 + unit.byteLength);
    frame.writeUInt32LE(unit.byteLength, 0);
    frame.writeUInt32LE(i, 4);
    frame.set(unit.units()[0]!, 12);
    return frame;
  });
  writeFileSync(at(name), Buffer.concat([head, ...frames]));
  return at(name);
}

describe('VP8 and VP9', { concurrency: 2 }, () => {
  for (const [codec, encoder] of [
    ['vp8', 'libvpx'],
    ['vp9', 'libvpx-vp9'],
  ] as const) {
    const sdp = medium('video', 96, [`rtpmap:96 ${codec.toUpperCase()}/90000`]);
    const fourcc = codec === 'vp8' ? 'VP80' : 'VP90';
    const check = async (name: string, source: string, rtp: readonly Uint8Array[]) => {
      const { units, dropped } = depacketize(sdp, rtp);
      assert.equal(dropped, 0);
      assert.deepEqual([units[0]!.track.width, units[0]!.track.height, units[0]!.key], [322, 182, true]);
      const expected = await md5s(source);
      assert.equal(expected.length, 20);
      assert.deepEqual(await md5s(writeIvf(name, fourcc, units)), expected);
      assert.equal(units.filter(({ key }) => key).length, 2);
      const again = units.flatMap((unit) => {
        const [picture] = unit.units();
        const cut = codec === 'vp8' ? packetizeVp8(picture!, 700) : packetizeVp9(picture!, 700, unit.key);
        return packets(cut, { type: 96, timestamp: unit.rtpTimestamp, from: 0 });
      });
      const bench = depacketize(sdp, renumber(again)).units;
      assert.deepEqual(bytesOf(bench), bytesOf(units));
    };

    test(`${codec} that FFmpeg sends is the same pictures`, async () => {
      const source = ['-f', 'lavfi', '-i', 'testsrc2=s=322x182:r=20:d=1', '-pix_fmt', 'yuv420p', '-g', '10'];
      const options = ['-deadline', 'realtime', '-cpu-used', '8', '-auto-alt-ref', '0', '-b:v', '2M'];
      await ffmpeg(...source, '-c:v', encoder, ...options, at(`f.${codec}.ivf`));
      const { rtp } = await captureRtp('ffmpeg', (port) => [
        ...['-v', 'error', '-re', '-i', at(`f.${codec}.ivf`), '-c', 'copy', '-strict', '-2'],
        ...['-f', 'rtp', `rtp://127.0.0.1:${port}?pkt_size=900`],
      ]);
      await check(`f2.${codec}.ivf`, at(`f.${codec}.ivf`), rtp);
    });

    test(`${codec} that GStreamer sends is the same pictures`, async () => {
      const made = `${codec}enc deadline=1 keyframe-max-dist=10 target-bitrate=2000000`;
      const source = `${picture('format=I420,width=322,height=182')} ! ${made}`;
      const { rtp } = await captureRtp('gst-launch-1.0', (port) =>
        `${source} ! tee name=t ! queue ! rtp${codec}pay mtu=900 picture-id-mode=2 ! udpsink host=127.0.0.1 port=${port} t. ! queue ! avmux_ivf ! filesink location=${at(`g.${codec}.ivf`)}`.split(
          ' ',
        ),
      );
      await check(`g2.${codec}.ivf`, at(`g.${codec}.ivf`), rtp);
    });
  }
});

/** FFmpeg sends a file made by `make`; SDP as it prints it, and packets. */
async function fromFfmpeg(file: string, make: readonly string[], send: readonly string[] = []) {
  await ffmpeg('-f', 'lavfi', '-i', 'sine=f=440:r=44100:d=1', ...make, at(file));
  const { rtp, output } = await captureRtp('ffmpeg', (port) => [
    ...[
      '-v',
      'error',
      '-re',
      '-i',
      at(file),
      '-c',
      'copy',
      ...send,
      '-f',
      'rtp',
      `rtp://127.0.0.1:${port}?pkt_size=600`,
    ],
  ]);
  return { ...depacketize(output.slice(output.indexOf('v=0')), rtp), sdp: output };
}

describe('sound', { concurrency: 2 }, () => {
  test('MP3 that FFmpeg sends is the same frames, those in fragments too', async () => {
    const { units, dropped } = await fromFfmpeg('a.mp3', ['-ac', '2', '-b:a', '320k', '-write_xing', '0']);
    assert.equal(dropped, 0);
    assert.deepEqual([units[0]!.track.sampleRate, units[0]!.track.channels], [44_100, 2]);
    const expected = await md5s(at('a.mp3'), '-c', 'copy');
    const file = writeMp4('a.mp4', units);
    assert.deepEqual(await md5s(file, '-c', 'copy'), expected.slice(0, units.length));
    assert.ok(units.length >= expected.length - 1);
    const frame = units[3]!.units()[0]!;
    const cut = packets(packetizeMpegAudio(frame, 300), { type: 14, timestamp: 5, from: 0 });
    assert.deepEqual(bytesOf(depacketize(medium('audio', 14, []), cut).units), frame);
    assert.ok(cut.length > 2);
  });

  test('MPEG audio of layer II that GStreamer sends is the same frames', async () => {
    const source = 'audiotestsrc num-buffers=40 ! audio/x-raw,rate=32000 ! avenc_mp2 ! mpegaudioparse';
    const { rtp } = await gstreamer(source, 'b.mp2', 'rtpmpapay mtu=500');
    const { units, dropped } = depacketize(medium('audio', 14, []), rtp);
    assert.equal(dropped, 0);
    assert.deepEqual(Buffer.from(bytesOf(units)), readFileSync(at('b.mp2')));
    assert.deepEqual([units[0]!.track.sampleRate, new Set(steps(units))], [32_000, new Set([3240])]);
  });

  test('AAC-LATM that FFmpeg sends is the same frames', async () => {
    const { units, dropped, sdp } = await fromFfmpeg('c.m4a', ['-ac', '1', '-c:a', 'aac'], ['-rtpflags', 'latm']);
    assert.match(sdp, /MP4A-LATM/);
    assert.equal(dropped, 0);
    const { sampleRate, channels } = units[0]!.track;
    assert.deepEqual([sampleRate, channels, new Set(steps(units))], [44_100, 1, new Set([1024])]);
    const expected = await md5s(at('c.m4a'), '-c', 'copy');
    const got = await md5s(writeMp4('c2.mp4', units), '-c', 'copy');
    assert.deepEqual(got, expected.slice(expected.indexOf(got[0]!)).slice(0, got.length));
    assert.ok(got.length >= expected.length - 2);
  });

  test('AAC-LATM that GStreamer sends is the same frames, in fragments too', async () => {
    const source = 'audiotestsrc num-buffers=40 ! audio/x-raw,rate=48000,channels=2 ! avenc_aac bitrate=256000';
    const mux = `${source} ! aacparse ! audio/mpeg,stream-format=raw`;
    const { rtp, config } = await latmFromGstreamer(mux);
    const { units, dropped } = depacketize(
      medium('audio', 96, ['rtpmap:96 MP4A-LATM/48000', `fmtp:96 cpresent=0;config=${config}`]),
      rtp,
    );
    assert.equal(dropped, 0);
    assert.ok(rtp.length > units.length);
    assert.deepEqual(Buffer.from(bytesOf(units)), readFileSync(at('d.raw')));
  });

  test('AAC-LATM with its configuration in band is the same frames', async () => {
    await ffmpeg(...['-f', 'lavfi', '-i', 'sine=f=440:r=16000:d=1', '-c:a', 'aac', at('e.m4a')]);
    await ffmpeg('-i', at('e.m4a'), '-c', 'copy', '-f', 'latm', at('e.latm'));
    const loas = readFileSync(at('e.latm'));
    const rtp: Uint8Array[] = [];
    // AudioSyncStream (ISO/IEC 14496-3 §1.7.2.1): a sync word, the length, an AudioMuxElement.
    for (let from = 0; from + 3 < loas.length; ) {
      const length = ((loas[from + 1]! & 31) << 8) | loas[from + 2]!;
      const unit = { type: 96, timestamp: rtp.length * 1024, from: rtp.length };
      rtp.push(...packets([loas.subarray(from + 3, from + 3 + length)], unit));
      from += 3 + length;
    }
    const { units, dropped } = depacketize(medium('audio', 96, ['rtpmap:96 MP4A-LATM/16000']), rtp);
    assert.equal(dropped, 0);
    assert.deepEqual([units[0]!.track.sampleRate, units[0]!.track.channels], [16_000, 1]);
    assert.deepEqual(await md5s(writeMp4('e2.mp4', units), '-c', 'copy'), await md5s(at('e.m4a'), '-c', 'copy'));
  });

  test('Opus that FFmpeg sends is the same packets, and decodes from MP4', async () => {
    const { units } = await fromFfmpeg('f.ogg', ['-ar', '48000', '-ac', '2', '-c:a', 'libopus']);
    const file = writeMp4('f2.mp4', units);
    const expected = await md5s(at('f.ogg'), '-c', 'copy');
    assert.deepEqual(await md5s(file, '-c', 'copy'), expected);
    const pcm = await ffmpeg('-xerror', '-i', file, '-f', 's16le', '-');
    assert.ok(pcm.length >= 47_000 * 4, `${pcm.length} bytes of decoded sound`);
    assert.deepEqual(new Set(steps(units)), new Set([960]));
  });

  for (const kbits of [16, 24, 32, 40]) {
    const encoder = 'g726le';
    test(`G.726 of ${kbits} kbit/s that FFmpeg sends is the same bytes`, async () => {
      const make = ['-f', 'lavfi', '-i', 'sine=f=440:r=8000:d=1', '-c:a', encoder, '-b:a', `${kbits}k`, '-f', encoder];
      await ffmpeg(...make, at(`g${kbits}.raw`));
      const input = ['-f', encoder, '-code_size', `${kbits / 8}`, '-sample_rate', '8000', '-i', at(`g${kbits}.raw`)];
      const { rtp, output } = await captureRtp('ffmpeg', (port) => [
        ...['-v', 'error', '-re', ...input, '-c', 'copy', '-f', 'rtp', `rtp://127.0.0.1:${port}`],
      ]);
      assert.match(output, new RegExp(`G726-${kbits}/8000`));
      const { units } = depacketize(output.slice(output.indexOf('v=0')), rtp);
      assert.equal(units[0]!.track.encoding, `G726-${kbits}`);
      const source = readFileSync(at(`g${kbits}.raw`));
      const got = Buffer.from(bytesOf(units));
      assert.ok(got.length > source.length * 0.9);
      assert.deepEqual(got, source.subarray(0, got.length));
    });
  }

  test('L16 that GStreamer sends is the same samples', async () => {
    const source = 'audiotestsrc num-buffers=40 ! audio/x-raw,format=S16BE,rate=44100,channels=2';
    const { rtp } = await gstreamer(source, 'h.raw', 'rtpL16pay pt=10');
    const { units } = depacketize(medium('audio', 10, []), rtp);
    assert.deepEqual(Buffer.from(bytesOf(units)), readFileSync(at('h.raw')));
  });
});
