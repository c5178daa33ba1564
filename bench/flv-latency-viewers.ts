/**
 * One HTTP-FLV viewer for each of many streams, in one process: reads from each picture when it left the camera
 * (`bench/cameras.ts` writes that into it). Prints `ready` once all have had a picture, and after `--seconds` the
 * latencies as `PICTURES P50 P99 MAX` in ms.
 *
 *   node bench/flv-latency-viewers.ts PORT [--streams 300] [--settle 3] [--seconds 10]
 */
import { connect } from 'node:net';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    streams: { type: 'string', default: '300' },
    settle: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
  },
});
const port = Number(positionals[0]);
const count = Number(values.streams);
const shared = Buffer.alloc(256 * 1024);
const latencies: number[] = [];
let watching = 0;
let isMeasuring = false;

/** Bytes before the first tag: file header, size of no tag. */
const fileHeadBytes = 13;
const tagHeadBytes = 11;
/** In a tag: codec head, length and head of the NAL unit, one byte; then the time. */
const stampAt = tagHeadBytes + 5 + 4 + 1 + 1;

class Viewer {
  #text = '';
  #skip = fileHeadBytes;
  readonly #head = Buffer.alloc(stampAt + 8);
  #headBytes = 0;
  #hasSeen = false;

  constructor(id: string) {
    const callback = (length: number) => {
      this.#read(shared.subarray(0, length));
      return true;
    };
    const socket = connect({ host: '127.0.0.1', port, onread: { buffer: shared, callback } });
    socket.on('connect', () => socket.write(`GET /flv/${id}.flv HTTP/1.1\r\nHost: bench\r\n\r\n`));
    socket.on('error', (error) => console.error(error.message));
  }

  #read(bytes: Buffer): void {
    let at = 0;
    if (!this.#text.endsWith('\r\n\r\n')) {
      const end = bytes.indexOf('\r\n\r\n');
      this.#text += bytes.toString('latin1', 0, end < 0 ? bytes.length : end + 4);
      if (end < 0) return;
      if (!this.#text.startsWith('HTTP/1.1 200')) throw new Error(this.#text);
      at = end + 4;
    }
    while (at < bytes.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, bytes.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const wanted = this.#wanted();
      const step = Math.min(wanted - this.#headBytes, bytes.length - at);
      bytes.copy(this.#head, this.#headBytes, at, at + step);
      this.#headBytes += step;
      at += step;
      if (this.#headBytes === this.#wanted()) this.#onTag();
    }
  }

  /** Bytes of the tag under way that are looked at. */
  #wanted(): number {
    if (this.#headBytes < tagHeadBytes) return tagHeadBytes;
    return Math.min(this.#head.length, tagHeadBytes + this.#head.readUIntBE(1, 3));
  }

  #onTag(): void {
    const head = this.#head;
    if (this.#headBytes === head.length && head[0] === 9 && head[tagHeadBytes + 1] === 1) {
      if (!this.#hasSeen && ++watching === count) begin();
      this.#hasSeen = true;
      if (isMeasuring) latencies.push(Number(process.hrtime.bigint()) / 1e6 - head.readDoubleBE(stampAt));
    }
    this.#skip = tagHeadBytes + head.readUIntBE(1, 3) + 4 - this.#headBytes;
    this.#headBytes = 0;
  }
}

function begin(): void {
  console.log('ready');
  setTimeout(() => (isMeasuring = true), Number(values.settle) * 1000);
  setTimeout(report, (Number(values.settle) + Number(values.seconds)) * 1000);
}

function report(): void {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(2);
  console.log(`latency ${sorted.length} ${at(0.5)} ${at(0.99)} ${at(1)}`);
  process.exit(0);
}

let opened = 0;
const opening = setInterval(() => {
  for (let i = 0; i < 10 && opened < count; i++) new Viewer(`cam${opened++}`);
  if (opened === count) clearInterval(opening);
}, 20);
