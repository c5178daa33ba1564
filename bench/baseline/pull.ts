/**
 * The bare prototype of pulling many RTSP cameras: dials, plays, frames interleaved RTP and keeps the bytes of one GOP
 * each, once. No parsing beyond that, no time, no API: the floor to compare with.
 *
 *   node bench/baseline/pull.ts COUNT [PORT]
 */
import { connect } from 'node:net';

const count = Number(process.argv[2] ?? 1000);
const port = Number(process.argv[3] ?? 19554);
const shared = new Uint8Array(256 * 1024);

function camera(index: number): void {
  const url = `rtsp://127.0.0.1:${port}/cam${index}`;
  const requests = [
    `OPTIONS ${url} RTSP/1.0\r\nCSeq: 1\r\n\r\n`,
    `DESCRIBE ${url} RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\n\r\n`,
    `SETUP ${url}/trackID=0 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n`,
    `PLAY ${url} RTSP/1.0\r\nCSeq: 4\r\nSession: 1\r\n\r\n`,
  ];
  let sent = 0;
  let rest: Buffer | undefined;
  let gop: Buffer[] = [];
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: shared,
      callback: (bytes: number) => {
        if (sent <= requests.length && shared[0] !== 0x24) {
          const next = requests[sent++];
          if (next) socket.write(next);
          return true;
        }
        const chunk = Buffer.allocUnsafeSlow((rest?.length ?? 0) + bytes);
        if (rest) chunk.set(rest);
        chunk.set(shared.subarray(0, bytes), rest?.length ?? 0);
        let at = 0;
        while (at + 4 <= chunk.length) {
          if (chunk[at] !== 0x24) {
            at++;
            continue;
          }
          const length = (chunk[at + 2]! << 8) | chunk[at + 3]!;
          if (at + 4 + length > chunk.length) break;
          if (chunk[at + 4 + 12] === 0x7c && (chunk[at + 4 + 13]! & 0x9f) === 0x85) gop = [];
          at += 4 + length;
        }
        rest = at < chunk.length ? chunk.subarray(at) : undefined;
        gop.push(chunk);
        return true;
      },
    },
  });
  socket.on('connect', () => socket.write(requests[sent++]!));
  socket.on('error', (error) => console.error(error.message));
}

let opened = 0;
const timer = setInterval(() => {
  for (let i = 0; i < 20 && opened < count; i++) camera(opened++);
  if (opened < count) return;
  clearInterval(timer);
  console.log('ready');
}, 10);
