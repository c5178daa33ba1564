import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { concatBytes, fromHex } from '@watchpost/base/bytes.ts';
import { stripAdts, writeAdts } from '@watchpost/media/codec/aac/adts.ts';
import { parseAudioSpecificConfig } from '@watchpost/media/codec/aac/config.ts';
import { decodeG711 } from '@watchpost/media/codec/g711/decode.ts';
import { joinAnnexB } from '@watchpost/media/codec/h264/annex-b.ts';
import { createDepacketizer } from '@watchpost/media/rtp/depacketize/index-by-codec.ts';
import { parseRtpPacket } from '@watchpost/media/rtp/packet.ts';
import { ReorderBuffer } from '@watchpost/media/rtp/reorder.ts';
import { parseRtcp } from '@watchpost/media/rtp/rtcp.ts';
import type { AccessUnit, Track } from '@watchpost/media/types.ts';

const folder = mkdtempSync(join(tmpdir(), 'depacketize-'));
after(() => rmSync(folder, { recursive: true }));

function ffmpeg(...args: string[]): Buffer {
  return execFileSync('ffmpeg', ['-v', 'error', '-y', ...args], { maxBuffer: 1 << 28, cwd: folder });
}

/** One MD5 for each decoded frame, without its time. */
function frameMd5s(file: string): string[] {
  const lines = ffmpeg('-i', file, '-f', 'framemd5', '-').toString().trim().split('\n');
  return lines.filter((line) => !line.startsWith('#')).map((line) => line.split(',').at(-1)!.trim());
}

/** Lets ffmpeg send a file over RTP on the loopback interface; its packets, its RTCP and its SDP. */
async function capture(args: string[]): Promise<{ rtp: Uint8Array[]; rtcp: Uint8Array[]; sdp: string }> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  const rtp: Uint8Array[] = [];
  const rtcp: Uint8Array[] = [];
  socket.on('message', (message) => {
    const type = message[1]! & 127;
    (type >= 72 && type <= 76 ? rtcp : rtp).push(Uint8Array.from(message));
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  const sdpFile = join(folder, `${port}.sdp`);
  const url = `rtp://127.0.0.1:${port}?rtcpport=${port}&pkt_size=1200`;
  const child = spawn('ffmpeg', ['-v', 'error', '-re', ...args, '-sdp_file', sdpFile, '-f', 'rtp', url], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await new Promise((resolve) => child.on('exit', resolve));
  await new Promise((resolve) => setTimeout(resolve, 200));
  socket.close();
  return { rtp, rtcp, sdp: readFileSync(sdpFile, 'utf8') };
}

function depacketize(track: Track, packets: readonly Uint8Array[]): AccessUnit[] {
  const units: AccessUnit[] = [];
  const depacketizer = createDepacketizer(track, {}, (unit) => units.push(unit))!;
  const reorder = new ReorderBuffer((packet, lost) => depacketizer.push(packet, lost));
  for (const bytes of packets) reorder.push(parseRtpPacket(bytes, 0, bytes.length), 0);
  reorder.flush();
  depacketizer.flush();
  assert.equal(depacketizer.dropped, 0);
  return units;
}

const videoCases = [
  { codec: 'h264', extension: 'h264', args: ['-c:v', 'libx264', '-g', '15', '-x264opts', 'slices=3:bframes=2'] },
  { codec: 'h265', extension: 'hevc', args: ['-c:v', 'libx265', '-x265-params', 'keyint=15:slices=2:log-level=none'] },
] as const;

for (const { codec, extension, args } of videoCases) {
  test(`${codec} that ffmpeg sends decodes to the same frames after depacketizing`, async () => {
    const source = join(folder, `source.${extension}`);
    const input = ['-f', 'lavfi', '-i', 'testsrc2=s=638x358:r=30:d=1.5,noise=alls=20', '-pix_fmt', 'yuv420p'];
    ffmpeg(...input, ...args, '-b:v', '3M', '-f', extension, source);
    const { rtp } = await capture(['-i', source, '-c', 'copy']);
    const track: Track = { id: 1, kind: 'video', codec, clockRate: 90_000, parameterSets: [] };
    const units = depacketize(track, rtp);
    assert.equal(units.length, 45);
    assert.ok(units[0]!.key);
    assert.equal(units.filter((unit) => unit.key).length, 3);
    assert.deepEqual([units[0]!.track.width, units[0]!.track.height], [638, 358]);
    assert.equal(
      units.reduce((sum, unit) => sum + unit.packets.length, 0),
      rtp.length,
    );
    const target = join(folder, `target.${extension}`);
    const all = units.flatMap((unit) => (unit.key ? [...unit.track.parameterSets, ...unit.units()] : unit.units()));
    writeFileSync(target, joinAnnexB(all));
    const expected = frameMd5s(source);
    assert.equal(expected.length, 45);
    assert.deepEqual(frameMd5s(target), expected);
  });
}

test('AAC that ffmpeg sends is the same frames, and its RTCP is read', async () => {
  ffmpeg('-f', 'lavfi', '-i', 'sine=f=440:r=48000:d=2', '-ac', '2', '-c:a', 'aac', 'source.m4a');
  ffmpeg('-i', 'source.m4a', '-c', 'copy', '-f', 'adts', 'source.aac');
  const { rtp, rtcp, sdp } = await capture(['-i', 'source.m4a', '-c', 'copy']);
  const config = fromHex(/config=([0-9A-F]+)/i.exec(sdp)![1]!);
  const track: Track = { id: 2, kind: 'audio', codec: 'aac', clockRate: 48_000, parameterSets: [config] };
  const units = depacketize(track, rtp);
  for (let i = 1; i < units.length; i++) {
    assert.equal((units[i]!.rtpTimestamp - units[i - 1]!.rtpTimestamp) >>> 0, 1024);
  }
  const info = parseAudioSpecificConfig(config);
  assert.deepEqual(info, { objectType: 2, sampleRate: 48_000, channels: 2, frameLength: 1024 });
  // ffmpeg leaves out the priming frame or, in its last packet, what does not fill it; between these, all must be there.
  const source = stripAdts(readFileSync(join(folder, 'source.aac')));
  const from = source.findIndex((frame) => Buffer.from(frame).equals(units[0]!.units()[0]!));
  assert.ok(from === 0 || from === 1);
  const sent = source.slice(from, from + units.length);
  assert.ok(sent.length >= source.length - 5);
  assert.equal(
    units.length,
    rtp.reduce((sum, bytes) => sum + ((bytes[12]! << 8) | bytes[13]!) / 16, 0),
  );
  const frames = units.map((unit) => unit.units()[0]!);
  for (let i = 0; i < sent.length; i++) assert.ok(Buffer.from(sent[i]!).equals(frames[i]!), `frame ${i}`);
  writeFileSync(join(folder, 'target.aac'), concatBytes(frames.map((frame) => writeAdts(info, frame))));
  const pcm = ffmpeg('-xerror', '-i', 'target.aac', '-f', 's16le', '-');
  assert.equal(pcm.length, sent.length * 1024 * 4);
  const reports = rtcp.flatMap((bytes) => parseRtcp(bytes));
  const sender = reports.find((report) => report.type === 'sr');
  assert.equal(sender?.ssrc, parseRtpPacket(rtp[0]!, 0, rtp[0]!.length).ssrc);
});

for (const [codec, format] of [
  ['pcma', 'alaw'],
  ['pcmu', 'mulaw'],
] as const) {
  test(`${codec} that ffmpeg sends is the same bytes, and decodes as ffmpeg decodes it`, async () => {
    ffmpeg('-f', 'lavfi', '-i', 'sine=f=440:r=8000:d=1,volume=10', '-ac', '1', '-f', format, `source.${format}`);
    const { rtp } = await capture(['-f', format, '-ar', '8000', '-ac', '1', '-i', `source.${format}`, '-c', 'copy']);
    const track: Track = { id: 3, kind: 'audio', codec, clockRate: 8000, parameterSets: [] };
    const received = concatBytes(depacketize(track, rtp).map((unit) => unit.units()[0]!));
    const source = readFileSync(join(folder, `source.${format}`));
    assert.deepEqual(Buffer.from(received), source);
    const every = Uint8Array.from({ length: 256 }, (_, code) => code);
    writeFileSync(join(folder, `every.${format}`), every);
    const decoded = ffmpeg('-f', format, '-ar', '8000', '-ac', '1', '-i', `every.${format}`, '-f', 's16le', '-');
    assert.deepEqual(Buffer.from(decodeG711(codec, every).buffer), decoded);
  });
}
