/**
 * Many HTTP-FLV viewers of one address in one process, as cheap as they can be: what comes is counted and dropped.
 * Prints `ready` once all have had media, and after `--seconds` the least and most bytes that one of them got.
 *
 *   node bench/flv-viewers.ts URL [--viewers 500] [--seconds 10]
 */
import { connect } from 'node:net';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { viewers: { type: 'string', default: '500' }, seconds: { type: 'string', default: '10' } },
});
const { hostname, port, pathname } = new URL(positionals[0]!);
const count = Number(values.viewers);
const shared = new Uint8Array(256 * 1024);
const bytes = new Float64Array(count);
let watching = 0;

function view(index: number): void {
  const socket = connect({
    host: hostname,
    port: Number(port),
    onread: {
      buffer: shared,
      callback: (length: number) => {
        // The answer without media is a few hundred bytes.
        if (bytes[index]! < 1000 && bytes[index]! + length >= 1000 && ++watching === count) begin();
        bytes[index]! += length;
        return true;
      },
    },
  });
  socket.on('connect', () => socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`));
  socket.on('error', (error) => console.error(error.message));
}

function begin(): void {
  console.log('ready');
  const before = bytes.slice();
  const startMs = performance.now();
  setTimeout(() => {
    const seconds = (performance.now() - startMs) / 1000;
    const kbps = bytes.map((now, index) => ((now - before[index]!) * 8) / 1000 / seconds);
    console.log(`kbps ${Math.min(...kbps).toFixed(0)} ${Math.max(...kbps).toFixed(0)}`);
    process.exit(0);
  }, Number(values.seconds) * 1000);
}

let opened = 0;
const timer = setInterval(() => {
  for (let i = 0; i < 20 && opened < count; i++) view(opened++);
  if (opened === count) clearInterval(timer);
}, 20);
