/**
 * The bare prototype of one RTSP camera for many players over TCP: pulls it, and writes each of its reads to all who
 * play, once, as it came. No headers rewritten, no limits, no cache, no time: the floor to compare with.
 *
 *   node bench/baseline/rtsp-fanout.ts CAMERA_PORT PORT
 */
import { connect, createServer, type Socket } from 'node:net';

const cameraPort = Number(process.argv[2] ?? 19554);
const port = Number(process.argv[3] ?? 18554);
const players = new Set<Socket>();
const waiting = new Set<Socket>();
let description = '';
let rest: Buffer | undefined;

function pull(): void {
  const url = `rtsp://127.0.0.1:${cameraPort}/cam0`;
  const requests = [
    `DESCRIBE ${url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n`,
    `SETUP ${url}/trackID=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n`,
    `PLAY ${url} RTSP/1.0\r\nCSeq: 3\r\nSession: 1\r\n\r\n`,
  ];
  let sent = 0;
  const socket = connect({ port: cameraPort, host: '127.0.0.1', noDelay: true });
  socket.on('connect', () => socket.write(requests[sent++]!));
  socket.on('data', (chunk: Buffer) => {
    if (chunk[0] === 0x52 && sent <= requests.length) {
      const text = chunk.toString('latin1');
      if (sent === 1) description = text.slice(text.indexOf('\r\n\r\n') + 4);
      if (sent < requests.length) socket.write(requests[sent]!);
      sent++;
      return;
    }
    forward(chunk);
  });
}

/** Whole frames only, so that whoever begins begins with one. */
function forward(chunk: Buffer): void {
  const bytes = rest ? Buffer.concat([rest, chunk]) : chunk;
  let end = 0;
  while (end + 4 <= bytes.length && end + 4 + bytes.readUInt16BE(end + 2) <= bytes.length)
    end += 4 + bytes.readUInt16BE(end + 2);
  rest = end < bytes.length ? bytes.subarray(end) : undefined;
  if (end === 0) return;
  const whole = bytes.subarray(0, end);
  for (const player of waiting) players.add(player);
  waiting.clear();
  for (const player of players) player.write(whole);
}

createServer({ noDelay: true }, (socket) => {
  socket.on('data', (chunk: Buffer) => {
    const [method] = chunk.toString('latin1').split(' ', 1);
    const head = 'RTSP/1.0 200 OK\r\nCSeq: 1\r\nSession: 1\r\n';
    if (method === 'DESCRIBE') socket.write(`${head}Content-Length: ${description.length}\r\n\r\n${description}`);
    else if (method === 'SETUP') socket.write(`${head}Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n`);
    else socket.write(`${head}\r\n`);
    if (method === 'PLAY') waiting.add(socket);
  });
  socket.on('error', () => {});
  socket.on('close', () => players.delete(socket));
}).listen({ port, host: '127.0.0.1', backlog: 4096 }, () => {
  pull();
  console.log('ready');
});
