/**
 * Many RTSP players in one process, cheap to run: TCP interleaved, each checks that no sequence number is missing.
 * Prints `playing` once all play, and each second `PACKETS MISSING CLOSED`; with `--delays` also `delay PICTURES P50 P99`
 * in ms since two seconds after all played. `%` in the path is the player's number.
 *
 *   node bench/rtsp-players.ts COUNT PORT [PATH] [SECONDS] [--delays]
 */
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { nowMs, stampAt } from './rtsp-pictures.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { delays: { type: 'boolean' } } });
const count = Number(positionals[0] ?? 1000);
const port = Number(positionals[1] ?? 18554);
const path = positionals[2] ?? '/live/cam0';
const seconds = Number(positionals[3] ?? 120);
const settleMs = 2000;
/** Of each frame: `$`, channel, length, and the RTP header's first four bytes; up to the end of the stamp. */
const headBytes = values.delays ? stampAt + 8 : 8;
const delays: number[] = [];
const shared = new Uint8Array(256 * 1024);
let playing = 0;
let packets = 0;
let missing = 0;
let closed = 0;

class Player {
  /** Bytes of the frame under way that are yet to come. */
  #left = 0;
  /** Its head, as far as it is there. */
  readonly #head = Buffer.alloc(headBytes);
  #headBytes = 0;
  #text = '';
  #plays = false;
  #sequence = -1;

  constructor(index: number) {
    const url = `rtsp://127.0.0.1:${port}${path.replace('%', `${index}`)}`;
    const requests = [
      `DESCRIBE ${url} RTSP/1.0\r\nCSeq: 1\r\n\r\n`,
      `SETUP ${url}/trackID=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n`,
      `PLAY ${url} RTSP/1.0\r\nCSeq: 3\r\n\r\n`,
    ];
    let sent = 0;
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (bytes: number) => {
          let at = 0;
          if (!this.#plays) {
            // Frames may follow the answer to PLAY in the same read.
            this.#text += Buffer.from(shared.subarray(0, bytes)).toString('latin1');
            for (;;) {
              const end = this.#text.indexOf('\r\n\r\n');
              if (end < 0) return true;
              const body = Number(/content-length: *(\d+)/i.exec(this.#text.slice(0, end))?.[1] ?? 0);
              if (this.#text.length < end + 4 + body) return true;
              if (!this.#text.startsWith('RTSP/1.0 200')) throw new Error(this.#text);
              this.#text = this.#text.slice(end + 4 + body);
              if (sent === requests.length) break;
              socket.write(requests[sent++]!);
            }
            this.#plays = true;
            playing++;
            at = bytes - this.#text.length;
          }
          this.#read(at, bytes);
          return true;
        },
      },
    });
    socket.on('connect', () => socket.write(requests[sent++]!));
    socket.on('error', () => {});
    socket.on('close', () => closed++);
  }

  #read(from: number, end: number): void {
    for (let at = from; at < end; ) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, end - at);
        this.#left -= step;
        at += step;
        continue;
      }
      this.#head[this.#headBytes++] = shared[at++]!;
      if (this.#headBytes < headBytes) continue;
      this.#headBytes = 0;
      const head = this.#head;
      if (head[0] !== 0x24) throw new Error('out of step');
      this.#left = ((head[2]! << 8) | head[3]!) + 4 - headBytes;
      if (head[1] !== 0) continue;
      const sequence = (head[6]! << 8) | head[7]!;
      if (this.#sequence >= 0) missing += (sequence - this.#sequence - 1) & 0xffff;
      this.#sequence = sequence;
      packets++;
      // The first fragment of a picture has the time.
      if (!values.delays || !(head[17]! & 0x80) || nowMs() < playingAtMs + settleMs) continue;
      delays.push(nowMs() - head.readDoubleBE(stampAt));
    }
  }
}

let opened = 0;
let playingAtMs = Number.POSITIVE_INFINITY;
const opening = setInterval(() => {
  for (let i = 0; i < 10 && opened < count; i++, opened++) new Player(opened);
  if (opened === count) clearInterval(opening);
}, 10);
let told = false;
setInterval(() => {
  if (playing >= count && !told) {
    told = true;
    playingAtMs = nowMs();
    console.log('playing');
  }
  console.log(`${packets} ${missing} ${closed}`);
  if (delays.length > 0) showDelays();
}, 1000);
setTimeout(() => process.exit(0), seconds * 1000);

function showDelays(): void {
  const sorted = Float64Array.from(delays).sort();
  const at = (share: number) => sorted[Math.floor(sorted.length * share)]!.toFixed(2);
  console.log(`delay ${sorted.length} ${at(0.5)} ${at(0.99)}`);
}
