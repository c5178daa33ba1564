import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRtpPacket } from '@watchpost/media/rtp/packet.ts';
import { packetizeAac } from '@watchpost/media/rtp/packetize/aac.ts';
import { parseRtcp } from '@watchpost/media/rtp/rtcp.ts';
import { ntpToMs } from '@watchpost/media/time/ntp.ts';
import type { Reader } from '../../../hub/types.ts';
import { RtpOutput, RtpOutputs } from './rtp-output.ts';
import { playedTracks, signatureOf } from './served-tracks.ts';
import { cameraPacket, nalUnit, picture, ServerBench, sound, TestCamera } from './test-bench.ts';
import { newRtpSource, type RtpChunk, TrackWriter } from './track-writer.ts';

function framesOf(chunks: readonly RtpChunk[]) {
  const frames: { channel: number; bytes: Uint8Array }[] = [];
  for (const { bytes } of chunks)
    for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt16BE(at + 2))
      frames.push({ channel: bytes[at + 1]!, bytes: bytes.subarray(at + 4, at + 4 + bytes.readUInt16BE(at + 2)) });
  return frames;
}

const packetsOf = (chunks: readonly RtpChunk[], channel = 0) =>
  framesOf(chunks)
    .filter((frame) => frame.channel === channel)
    .map(({ bytes }) => parseRtpPacket(bytes, 0, bytes.length));

const payloadOf = (packet: { chunk: Uint8Array; payloadStart: number; payloadEnd: number }) =>
  Buffer.from(packet.chunk.subarray(packet.payloadStart, packet.payloadEnd)).toString('hex');

async function setUp(maxPacketBytes = 65_535, tracks = [picture]) {
  const bench = await ServerBench.open();
  const stream = await bench.define('gate');
  const camera = new TestCamera(stream, bench.clock, tracks);
  let ended: string | undefined;
  const open = () => {
    const output = new RtpOutput(stream, { clock: bench.clock, maxPacketBytes, onEnd: () => {} });
    const reader = output.open({ protocol: 'rtsp', start: 'gop', onClose: (reason) => (ended = reason.code) });
    return { output, reader };
  };
  return { bench, stream, camera, open, ended: () => ended };
}

test('payloads pass untouched; header, sequence and time stamps are those of the stream', async () => {
  const { bench, camera, open } = await setUp();
  await using _ = bench;
  camera.play(2);
  const { reader } = open();
  const extra = cameraPacket(nalUnit(false, 60_000, 9), { sequence: 1002, timestamp: 7200 });
  camera.publisher.writeRtp(0, extra, 0);
  // The camera began anew: other numbers, other times.
  camera.publisher.writeRtp(0, cameraPacket(nalUnit(false, 700, 7), { sequence: 5, timestamp: 2 ** 31 }), 0);
  camera.publisher.flush();
  const packets = packetsOf(reader.pull());
  assert.deepEqual(
    packets.map((packet) => packet.payloadEnd - packet.payloadStart),
    [500, 500, 60_000, 700],
  );
  assert.equal(payloadOf(packets[2]!), payloadOf(extra));
  const [first] = packets;
  assert.equal(first!.payloadType, 96);
  assert.notEqual(first!.ssrc, 0xbad);
  for (const [i, packet] of packets.entries()) {
    assert.equal(packet.sequence, (first!.sequence + i) & 0xffff);
    assert.equal(packet.ssrc, first!.ssrc);
    assert.ok(((packet.timestamp - first!.timestamp) | 0) < 90_000, 'no jump of hours');
  }
});

test('what does not fit a datagram is cut anew, and counted on', async () => {
  const { bench, camera, open } = await setUp(1472);
  await using _ = bench;
  camera.play(1, 5000);
  camera.play(1, 100);
  const { reader } = open();
  const packets = packetsOf(reader.pull());
  // SPS, PPS, four fragments, and the small picture.
  assert.equal(packets.length, 7);
  assert.ok(packets.every((packet) => packet.payloadEnd - packet.start <= 1472));
  assert.deepEqual(
    packets.map((packet) => packet.marker),
    [false, false, false, false, false, true, true],
  );
  for (const [i, packet] of packets.entries()) assert.equal(packet.sequence, (packets[0]!.sequence + i) & 0xffff);
});

test('each frame of a packet that does not fit a datagram goes out', async () => {
  const { bench, camera, open } = await setUp(1472, [
    { id: 0, kind: 'audio', codec: 'aac', clockRate: 48_000, parameterSets: [Uint8Array.of(0x11, 0x90)] },
  ]);
  await using _ = bench;
  const frames = [700, 600, 500].map((length, i) => new Uint8Array(length).fill(i + 1));
  const send = (sequence: number, these: readonly Uint8Array[]) => {
    const [payload] = packetizeAac(these, 60_000);
    camera.publisher.writeRtp(0, cameraPacket(payload!, { sequence, timestamp: sequence * 3072 }), 0);
  };
  const { reader } = open();
  send(0, frames);
  send(1, [frames[0]!, frames[2]!]);
  camera.publisher.flush();
  const packets = packetsOf(reader.pull());
  assert.deepEqual(
    packets.map((packet) => packet.payloadEnd - packet.payloadStart),
    [704, 604, 504, 1206],
  );
  assert.deepEqual(
    packets.map((packet) => ((packet.timestamp - packets[0]!.timestamp) >>> 0) / 1024),
    [0, 1, 2, 3],
  );
});

test('samples that did not come over RTP are put into packets', async () => {
  const { bench, camera, open } = await setUp(1472);
  await using _ = bench;
  camera.publisher.writeUnit(0, { pts: 0, dts: 0, key: true, units: [nalUnit(true, 3000)] });
  camera.publisher.flush();
  const { reader } = open();
  const sizes = packetsOf(reader.pull()).map((packet) => packet.payloadEnd - packet.payloadStart);
  assert.deepEqual(sizes.slice(0, 2), [picture.parameterSets[0]!.length, picture.parameterSets[1]!.length]);
  assert.equal(sizes.length, 5);
});

test('a sender report goes before the first packet and every 5 s, with the true wall clock', async () => {
  const { bench, camera, open } = await setUp();
  await using _ = bench;
  camera.play(1);
  const { reader } = open();
  const startMs = bench.clock.wallMs();
  const chunks = [...reader.pull()];
  for (let second = 0; second < 12; second++) {
    camera.play(25);
    chunks.push(...reader.pull());
  }
  const frames = framesOf(chunks);
  const reports = frames.filter((frame) => frame.channel === 1).flatMap(({ bytes }) => parseRtcp(bytes));
  const senders = reports.filter((report) => report.type === 'sr');
  assert.equal(senders.length, 3);
  assert.equal(frames[0]!.channel, 1);
  for (const report of senders) {
    const wallMs = ntpToMs(report.ntpSeconds, report.ntpFraction)!;
    assert.ok(wallMs >= startMs - 200 && wallMs <= bench.clock.wallMs(), `${wallMs - startMs}`);
  }
  const [a, , c] = senders;
  const mediaMs = ((c!.rtpTimestamp - a!.rtpTimestamp) >>> 0) / 90;
  const ntpMs = ntpToMs(c!.ntpSeconds, c!.ntpFraction)! - ntpToMs(a!.ntpSeconds, a!.ntpFraction)!;
  assert.ok(Math.abs(mediaMs - ntpMs) < 5, `${mediaMs} ${ntpMs}`);
});

test('reports of a source that began with a burst are all on one line: that of the least delayed', async () => {
  const { bench, camera, open } = await setUp();
  await using _ = bench;
  // 1.6 s at once, as HLS brings its first segment, then at its pace.
  const write = (frame: number) => {
    const unit = { pts: frame * 3600, dts: frame * 3600, key: frame === 0, units: [nalUnit(frame === 0, 100)] };
    camera.publisher.writeUnit(0, unit);
    camera.publisher.flush();
  };
  for (let frame = 0; frame < 40; frame++) write(frame);
  const burstMs = bench.clock.wallMs();
  const { reader } = open();
  const chunks = [...reader.pull()];
  for (let frame = 40; frame < 180; frame++) {
    bench.clock.advance(40);
    write(frame);
    chunks.push(...reader.pull());
  }
  const reports = framesOf(chunks)
    .filter(({ channel }) => channel === 1)
    .flatMap(({ bytes }) => parseRtcp(bytes))
    .filter((report) => report.type === 'sr');
  const beginMs = reports.map(({ rtpTimestamp, ntpSeconds, ntpFraction }) => {
    const mediaMs = ((rtpTimestamp - reports[0]!.rtpTimestamp) >>> 0) / 90;
    return ntpToMs(ntpSeconds, ntpFraction)! - mediaMs - burstMs;
  });
  assert.equal(beginMs.length, 2);
  for (const ms of beginMs) assert.ok(Math.abs(ms + 39 * 40) < 25, `${beginMs}`);
});

test('pictures that come late do not move the line of the sender reports by more than players overlook', async () => {
  const { bench, camera, open } = await setUp();
  await using _ = bench;
  camera.play(1);
  const { reader } = open();
  const lineOf = () => {
    for (let second = 0; second < 6; second++) camera.play(25);
    const reports = framesOf(reader.pull()).filter(({ channel }) => channel === 1);
    const [report] = parseRtcp(reports.at(-1)!.bytes);
    assert.ok(report?.type === 'sr');
    return { ntpMs: ntpToMs(report.ntpSeconds, report.ntpFraction)!, rtp: report.rtpTimestamp };
  };
  const before = lineOf();
  bench.clock.advance(300);
  const after = lineOf();
  const movedMs = after.ntpMs - before.ntpMs - ((after.rtp - before.rtp) >>> 0) / 90;
  assert.ok(movedMs > 0 && movedMs < 15, `${movedMs}`);
});

test('reports of all tracks are on one line at any moment, whatever the wall clock of the source does', async () => {
  for (const [lateFromMs, lateMs] of [
    [100, 900],
    [3000, 1200],
    [5010, 1200],
  ] as const) {
    const { bench, camera, open } = await setUp(65_535, [picture, sound]);
    await using _ = bench;
    const { output, reader } = open();
    const line: number[] = [];
    let rounds = 0;
    for (let ms = 0; ms < 12_000; ms += 8) {
      if (ms > lateFromMs && ms <= lateFromMs + 8) bench.clock.advance(lateMs);
      const key = ms % 1000 === 0;
      if (ms % 40 === 0) camera.publisher.writeUnit(0, { pts: ms * 90, dts: ms * 90, key, units: [nalUnit(key, 100)] });
      if (ms % 32 === 0)
        camera.publisher.writeUnit(1, { pts: ms * 8, dts: ms * 8, key: true, units: [new Uint8Array(256)] });
      camera.publisher.flush();
      for (const { channel, bytes } of framesOf(reader.pull())) {
        if (channel % 2 === 0) {
          const apartMs = (line[1] ?? line[0]!) - line[0]!;
          assert.ok(Math.abs(apartMs) < 1, `late from ${lateFromMs} on: ${apartMs} ms apart at ${ms}`);
          continue;
        }
        const track = (channel - 1) / 2;
        const [report] = parseRtcp(bytes);
        assert.ok(report?.type === 'sr');
        const sinceMs = ((report.rtpTimestamp - output.position(track, 0)!.rtpTime) | 0) / [90, 8][track]!;
        line[track] = ntpToMs(report.ntpSeconds, report.ntpFraction)! - sinceMs;
        rounds += track;
      }
      bench.clock.advance(8);
    }
    assert.ok(rounds >= 3 && rounds <= 4, `${rounds}`);
  }
});

test('all readers get the same bytes; a late one begins at the last key picture', async () => {
  const { bench, camera, open } = await setUp();
  await using _ = bench;
  camera.play(1);
  const { output, reader: early } = open();
  camera.play(60);
  const late = output.open({ protocol: 'rtsp', start: 'gop' });
  const chunks = early.pull();
  const lateChunks = late.pull();
  assert.equal(lateChunks.length, 11);
  assert.equal(lateChunks[0], chunks[50]);
});

test('an output runs only while somebody reads it', async () => {
  const { bench, stream, camera } = await setUp();
  await using _ = bench;
  camera.play(1);
  const outputs = new RtpOutputs(bench.clock, undefined);
  assert.equal(stream.isRead, false);
  const readers: Reader<RtpChunk>[] = [1, 2].map(() =>
    outputs.get(stream, 1472).open({ protocol: 'rtsp', start: 'gop' }),
  );
  assert.equal(outputs.get(stream, 1472), outputs.get(stream, 1472));
  assert.deepEqual(
    stream.readers.map(({ protocol }) => protocol),
    ['rtsp', 'rtsp'],
  );
  for (const reader of readers) reader.close();
  assert.equal(stream.isRead, false);
});

test('the only reader pauses: it goes on from the same source, with the next sequence number', async () => {
  const { bench, stream, camera } = await setUp();
  await using _ = bench;
  const outputs = new RtpOutputs(bench.clock, undefined);
  const read = () => {
    camera.play(3);
    const reader = outputs.get(stream, 1472).open({ protocol: 'rtsp', start: 'gop' });
    const frames = framesOf(reader.pull());
    reader.close();
    const packets = frames
      .filter(({ channel }) => channel === 0)
      .map(({ bytes }) => parseRtpPacket(bytes, 0, bytes.length));
    return { first: packets[0]!, last: packets.at(-1)!, report: frames.find(({ channel }) => channel === 1)! };
  };
  const before = read();
  const after = read();
  assert.equal(after.first.ssrc, before.first.ssrc);
  assert.equal(after.first.sequence, (before.last.sequence + 1) & 0xffff);
  // Frame 0 of the group of pictures once more, at the time that it had.
  assert.equal(after.first.timestamp, before.first.timestamp);
  const [report] = parseRtcp(after.report.bytes, 0, after.report.bytes.length);
  assert.equal(report?.type === 'sr' && report.ssrc, before.first.ssrc);
});

test('new parameter sets go on; another codec ends the readers', async () => {
  const { bench, stream, camera, open, ended } = await setUp(65_535, [picture, sound]);
  await using _ = bench;
  camera.play(1);
  const { reader } = open();
  camera.publisher.close();
  const other = new TestCamera(stream, bench.clock, [{ ...picture, width: 640 }, sound]);
  other.play(2);
  assert.equal(packetsOf(reader.pull()).length, 3);
  other.publisher.close();
  const numberedAsInTs = [
    { ...picture, id: 256 },
    { ...sound, id: 257 },
  ];
  new TestCamera(stream, bench.clock, numberedAsInTs).play(2);
  assert.equal(packetsOf(reader.pull()).length, 2, 'a source of another protocol has other numbers');
  assert.equal(ended(), undefined);
  new TestCamera(stream, bench.clock, [picture, { ...sound, codec: 'pcmu' }]).play(1);
  assert.equal(ended(), 'STREAM_CHANGED');
});

test('parameter sets that changed and are not in band go before key pictures; those of a camera that sends them do not', async () => {
  const { bench, stream, camera, open } = await setUp();
  await using _ = bench;
  camera.play(2);
  const { reader } = open();
  assert.equal(packetsOf(reader.pull()).length, 2, 'players know them from the description');
  const [sps, pps] = picture.parameterSets as [Uint8Array, Uint8Array];
  const other = { ...picture, parameterSets: [sps, Uint8Array.of(0x68, 0xce, 0x38, 0x80)] };
  camera.publisher.close();
  const second = new TestCamera(stream, bench.clock, [other]);
  second.play(26);
  const payloads = packetsOf(reader.pull()).map(payloadOf);
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  assert.deepEqual(payloads.slice(0, 2), other.parameterSets.map(hex));
  assert.equal(payloads.length, 26 + 2 * 2);
  second.publisher.close();
  // Back to the first source, whose sets come in band: as an STAP-A, then each alone.
  const third = new TestCamera(stream, bench.clock);
  const aggregate = Buffer.concat([[0x78, 0, sps.length], sps, [0, pps.length], pps].map((part) => Buffer.from(part)));
  for (const [i, parts] of [[aggregate], [sps, pps]].entries()) {
    const timestamp = i * 90_000;
    for (const [j, part] of parts.entries()) {
      third.publisher.writeRtp(0, cameraPacket(part, { sequence: 9 * i + j, timestamp, marker: false }), 0);
    }
    third.publisher.writeRtp(0, cameraPacket(nalUnit(true, 300), { sequence: 9 * i + parts.length, timestamp }), 0);
    third.publisher.flush();
    bench.clock.advance(1000);
  }
  assert.equal(packetsOf(reader.pull()).length, 2 + 3);
});

test('pictures out of a container with a clock of its own go out at 90 000 Hz', () => {
  const track = { ...picture, clockRate: 12_800 };
  const writer = new TrackWriter({
    ...{ trackIndex: 0, played: playedTracks([track])[0]!, source: newRtpSource(), maxPacketBytes: 1400 },
  });
  const chunks = [0, 512, 1024].map((pts) => {
    const sample = { track, dts: pts, pts, key: pts === 0, byteLength: 100, wallMs: 0, lost: 0 };
    return writer.write({ ...sample, units: [nalUnit(pts === 0, 100)] });
  });
  const times = packetsOf(chunks).map(({ timestamp }) => (timestamp - writer.rtpTime(0)) >>> 0);
  assert.deepEqual([...new Set(times)], [0, 3600, 7200]);
  assert.deepEqual(
    chunks.map(({ ptsMs }) => ptsMs),
    [0, 40, 80],
  );
});

test('AAC-LC is the same with and without what says that it is not more than that', () => {
  const signature = (...config: number[]) => {
    const parameterSets = [Uint8Array.from(config)];
    return signatureOf(playedTracks([{ ...sound, codec: 'aac', clockRate: 44_100, channels: 1, parameterSets }]));
  };
  assert.equal(signature(0x12, 0x08, 0x56, 0xe5, 0), signature(0x12, 0x08));
  assert.notEqual(signature(0x12, 0x08), signature(0x12, 0x10), 'channels');
  assert.notEqual(signature(0x2b, 0x8a, 0x08, 0), signature(0x2b, 0x8a, 0x88, 0), 'HE-AAC');
});
