/**
 * The bare prototype of showing one RTSP camera to many HTTP-FLV viewers: dials, plays, puts H.264 together, and writes
 * each picture as one tag to each socket. No back-pressure, no time repair, no API: the floor to compare with.
 *
 *   node bench/baseline/flv.ts CAMERA_PORT PORT [MERGE_MS]
 */
import { connect, createServer, type Socket } from 'node:net';

const cameraPort = Number(process.argv[2] ?? 19554);
const port = Number(process.argv[3] ?? 18090);
const mergeMs = Number(process.argv[4] ?? 0);
const viewers = new Set<Socket>();
let waiting: Buffer[] = [];
let pieces: Buffer[] = [];

createServer((socket) => {
  socket.setNoDelay(true);
  socket.once('data', () => {
    socket.write(
      'HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\nFLV\x01\x01\0\0\0\x09\0\0\0\0',
    );
    viewers.add(socket);
  });
  socket.on('close', () => viewers.delete(socket));
  socket.on('error', () => viewers.delete(socket));
}).listen(port, '127.0.0.1', 4096, () => console.log('ready'));

function send(): void {
  const tags = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting);
  waiting = [];
  for (const socket of viewers) socket.write(tags);
}

function writeTag(nal: Buffer, timestamp: number): void {
  const length = 9 + nal.length;
  const tag = Buffer.allocUnsafe(11 + length + 4);
  tag[0] = 9;
  tag.writeUIntBE(length, 1, 3);
  tag.writeUIntBE(timestamp & 0xff_ffff, 4, 3);
  tag.writeUInt32BE((timestamp >>> 24) * 0x100_0000, 7);
  tag.writeUInt16BE((nal[0]! & 31) === 5 ? 0x1701 : 0x2701, 11);
  tag.writeUIntBE(0, 13, 3);
  tag.writeUInt32BE(nal.length, 16);
  nal.copy(tag, 20);
  tag.writeUInt32BE(11 + length, 11 + length);
  waiting.push(tag);
  if (mergeMs === 0) send();
}
if (mergeMs > 0) setInterval(() => waiting.length > 0 && send(), mergeMs);

function readPacket(packet: Buffer): void {
  if (packet[13]! & 0x80) pieces = [Buffer.of((packet[12]! & 0xe0) | (packet[13]! & 31))];
  pieces.push(packet.subarray(14));
  if ((packet[1]! & 0x80) !== 0) writeTag(Buffer.concat(pieces), Math.floor(packet.readUInt32BE(4) / 90));
}

const url = `rtsp://127.0.0.1:${cameraPort}/cam0`;
const requests = [
  `OPTIONS ${url} RTSP/1.0\r\nCSeq: 1\r\n\r\n`,
  `DESCRIBE ${url} RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\n\r\n`,
  `SETUP ${url}/trackID=0 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n`,
  `PLAY ${url} RTSP/1.0\r\nCSeq: 4\r\nSession: 1\r\n\r\n`,
];
let sent = 0;
let rest: Buffer = Buffer.alloc(0);
const camera = connect({ port: cameraPort, host: '127.0.0.1', noDelay: true });
camera.on('connect', () => camera.write(requests[sent++]!));
camera.on('data', (chunk: Buffer) => {
  const next = chunk[0] === 0x24 || rest.length > 0 ? undefined : requests[sent++];
  if (next !== undefined) {
    camera.write(next);
    return;
  }
  const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
  let at = 0;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0x24) {
      at++;
      continue;
    }
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) break;
    readPacket(bytes.subarray(at + 4, end));
    at = end;
  }
  rest = bytes.subarray(at);
});
