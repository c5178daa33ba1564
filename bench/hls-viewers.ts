/**
 * Many HLS viewers of one playlist in one process: each reads it every two seconds and fetches each segment once. Prints
 * `ready` once all have had a segment, and after `--seconds` how many segments one of them got at least.
 *
 *   node bench/hls-viewers.ts URL [--viewers 100] [--seconds 10]
 */
import { Agent, get } from 'node:http';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { viewers: { type: 'string', default: '100' }, seconds: { type: 'string', default: '10' } },
});
const playlist = positionals[0]!;
const count = Number(values.viewers);
const reloadMs = 2000;
const segments = new Uint32Array(count);
let watching = 0;

function fetchText(url: string, agent: Agent, isKept: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${url} is ${answer.statusCode}`));
      let text = '';
      answer.on('data', (chunk: Buffer) => {
        if (isKept) text += chunk.toString('latin1');
      });
      answer.on('end', () => resolve(text));
    });
    request.on('error', reject);
  });
}

async function view(index: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let newest = '';
  for (;;) {
    const startedMs = performance.now();
    const names = (await fetchText(playlist, agent, true)).split('\n').filter((line) => line.startsWith('segment_'));
    const at = newest === '' ? names.length - 2 : names.indexOf(newest);
    for (const name of names.slice(at + 1)) {
      await fetchText(new URL(name, playlist).href, agent, false);
      if (segments[index]!++ === 0 && ++watching === count) begin();
      newest = name;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, startedMs + reloadMs - performance.now())));
  }
}

function begin(): void {
  console.log('ready');
  const before = segments.slice();
  setTimeout(() => {
    console.log(`segments ${Math.min(...segments.map((now, index) => now - before[index]!))}`);
    process.exit(0);
  }, Number(values.seconds) * 1000);
}

for (let i = 0; i < count; i++) {
  setTimeout(() => void view(i), (i * reloadMs) / count);
}
