/**
 * Many cameras in one process, cheap to run: one RTSP server that sends every session the same H.264 stream over
 * interleaved TCP, 25 fps, 1 Mbit/s, a key picture each 50 frames, one write for each frame and session.
 * The pictures are filler behind valid parameter sets: good for counting bytes, not for looking at.
 *
 *   node bench/cameras.ts [--port 19554] [--seconds 120] [--gop 50] [--kbps 1000]
 */
import { createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { describePictures, fps, RtspPictures } from './rtsp-pictures.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '19554' },
    seconds: { type: 'string', default: '120' },
    gop: { type: 'string', default: '50' },
    kbps: { type: 'string', default: '1000' },
  },
});
const phases = 20;
const sessions: Set<Socket>[] = Array.from({ length: phases }, () => new Set());
let nextPhase = 0;
/** Cameras are no choir: each phase has its key pictures at another time. */
const pictures = sessions.map(
  (_, phase) => new RtspPictures({ gop: Number(values.gop), kbps: Number(values.kbps), phase: phase / phases }),
);

function answer(socket: Socket, request: string): void {
  const [line = ''] = request.split('\r\n');
  const [method = '', url = ''] = line.split(' ');
  const cseq = /cseq: *(\d+)/i.exec(request)?.[1] ?? '0';
  const reply = (headers: string[], body = '') =>
    socket.write(`RTSP/1.0 200 OK\r\nCSeq: ${cseq}\r\n${headers.map((h) => `${h}\r\n`).join('')}\r\n${body}`);
  if (method === 'OPTIONS') reply(['Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER']);
  else if (method === 'DESCRIBE') {
    const body = describePictures(url);
    reply(['Content-Type: application/sdp', `Content-Base: ${url}/`, `Content-Length: ${body.length}`], body);
  } else if (method === 'SETUP') reply(['Transport: RTP/AVP/TCP;unicast;interleaved=0-1', 'Session: 1;timeout=60']);
  else if (method === 'PLAY') {
    reply(['Session: 1', 'Range: npt=0.000-']);
    sessions[nextPhase++ % phases]!.add(socket);
  } else reply(['Session: 1']);
}

const server = createServer({ noDelay: true }, (socket) => {
  let text = '';
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => {
    if (chunk[0] === 0x24) return;
    text += chunk.toString('latin1');
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const request = text.slice(0, end);
      text = text.slice(end + 4);
      if (/^[A-Z_]+ /.test(request)) answer(socket, request);
    }
  });
  const drop = () => {
    for (const phase of sessions) phase.delete(socket);
  };
  socket.on('close', drop);
  socket.on('error', drop);
});
server.listen({ port: Number(values.port), host: '127.0.0.1', backlog: 4096 }, () =>
  console.log(`cameras on ${values.port}`),
);

const startedMs = performance.now();
let ticks = 0;
const stepMs = 1000 / fps / phases;
const timer = setInterval(() => {
  for (; ticks * stepMs <= performance.now() - startedMs; ticks++) {
    const phase = ticks % phases;
    const picture = pictures[phase]!.next();
    for (const socket of sessions[phase]!) if (socket.writableLength < 4 << 20) socket.write(picture);
  }
}, 1);
setTimeout(() => {
  clearInterval(timer);
  process.exit(0);
}, Number(values.seconds) * 1000);
