/**
 * Many cameras in one process, cheap to run: one RTSP server that sends every session the same H.264 stream over
 * interleaved TCP, 25 fps, 1 Mbit/s, a key picture each 50 frames, one write for each frame and session.
 * The pictures are filler behind valid parameter sets: good for counting bytes, not for looking at.
 *
 *   node bench/cameras.ts [--port 19554] [--seconds 120] [--gop 50] [--kbps 1000]
 */
import { createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '19554' },
    seconds: { type: 'string', default: '120' },
    gop: { type: 'string', default: '50' },
    kbps: { type: 'string', default: '1000' },
  },
});
const fps = 25;
const phases = 20;
const gop = Number(values.gop);
const payloadBytes = 1400;
const gopBytes = (Number(values.kbps) * 125 * gop) / fps;
const keyBytes = Math.round(gopBytes * 0.18);
const deltaBytes = Math.round((gopBytes - keyBytes) / (gop - 1));
// 1280x720, High 4.0, as x264 writes it.
const sps = 'Z2QAKKzZQFAFuwEQAAADABAAAAMDIPGDGWA=';
const pps = 'aOvjyyLA';
const sessions: Set<Socket>[] = Array.from({ length: phases }, () => new Set());
const filler = Buffer.alloc(1 << 20, 0x5a);
let nextPhase = 0;
/** Cameras are no choir: each phase has its key pictures at another time. */
const clocks = sessions.map((_, phase) => ({ frame: Math.floor((phase * gop) / phases), sequence: 0 }));

function describe(url: string): string {
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=bench',
    't=0 0',
    `a=control:${url}`,
    'm=video 0 RTP/AVP 96',
    'c=IN IP4 0.0.0.0',
    'a=rtpmap:96 H264/90000',
    `a=fmtp:96 packetization-mode=1;profile-level-id=640028;sprop-parameter-sets=${sps},${pps}`,
    'a=control:trackID=0',
    '',
  ].join('\r\n');
}

/** One picture as interleaved RTP, FU-A where it is larger than a packet. */
function nextFrame(phase: number): Buffer {
  const clock = clocks[phase]!;
  const { frame } = clock;
  const key = frame % gop === 0;
  const bytes = key ? keyBytes : deltaBytes;
  const timestamp = (frame * (90_000 / fps)) >>> 0;
  const type = key ? 5 : 1;
  const count = Math.ceil(bytes / payloadBytes);
  const out = Buffer.allocUnsafeSlow(bytes + count * 18);
  let at = 0;
  for (let index = 0; index < count; index++) {
    const size = Math.min(payloadBytes, bytes - index * payloadBytes);
    out[at] = 0x24;
    out[at + 1] = 0;
    out.writeUInt16BE(12 + 2 + size, at + 2);
    out[at + 4] = 0x80;
    out[at + 5] = 96 | (index === count - 1 ? 0x80 : 0);
    out.writeUInt16BE(clock.sequence, at + 6);
    clock.sequence = (clock.sequence + 1) & 0xffff;
    out.writeUInt32BE(timestamp, at + 8);
    out.writeUInt32BE(0x1234, at + 12);
    out[at + 16] = 0x7c;
    out[at + 17] = type | (index === 0 ? 0x80 : 0) | (index === count - 1 ? 0x40 : 0);
    filler.copy(out, at + 18, 0, size);
    at += 18 + size;
  }
  clock.frame++;
  // Behind the first byte of the slice: when it left, ms on the monotonic clock that all processes share.
  out.writeDoubleBE(Number(process.hrtime.bigint()) / 1e6, 4 + 12 + 2 + 1);
  return out.subarray(0, at);
}

function answer(socket: Socket, request: string): void {
  const [line = ''] = request.split('\r\n');
  const [method = '', url = ''] = line.split(' ');
  const cseq = /cseq: *(\d+)/i.exec(request)?.[1] ?? '0';
  const reply = (headers: string[], body = '') =>
    socket.write(`RTSP/1.0 200 OK\r\nCSeq: ${cseq}\r\n${headers.map((h) => `${h}\r\n`).join('')}\r\n${body}`);
  if (method === 'OPTIONS') reply(['Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER']);
  else if (method === 'DESCRIBE') {
    const body = describe(url);
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
    const picture = nextFrame(phase);
    for (const socket of sessions[phase]!) if (socket.writableLength < 4 << 20) socket.write(picture);
  }
}, 1);
setTimeout(() => {
  clearInterval(timer);
  process.exit(0);
}, Number(values.seconds) * 1000);
