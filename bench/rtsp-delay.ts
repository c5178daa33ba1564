/**
 * How long a picture is under way from an RTSP publisher to an RTSP player, over TCP, publishers, server and players in
 * processes of their own: of one stream, and of many with a player each; medians over runs. No packet may be lost.
 *
 *   node bench/rtsp-delay.ts [--streams 100] [--runs 3] [--seconds 10]
 */
import { parseArgs } from 'node:util';
import { reportFigures } from './budgets.ts';
import { median, pause, start, stop } from './measure.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '100' },
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
  },
});
const seconds = Number(values.seconds);
const port = 19_855;
const here = new URL('.', import.meta.url).pathname;
/** Players count from two seconds after all of them play. */
const settleSeconds = 3;

interface Delay {
  readonly pictures: number;
  readonly p50: number;
  readonly p99: number;
}

async function delayOf(streams: number): Promise<Delay> {
  const more = `[protocols.rtsp]\nbind = "127.0.0.1:${port}"`;
  await using _server = await startServer({ urls: [], record: false, port: 18_295, more });
  const length = `${seconds + 60}`;
  const publishers = await start(
    process.execPath,
    [`${here}rtsp-publishers.ts`, `${streams}`, `${port}`, length],
    /publishing/,
  );
  try {
    await pause(2500);
    const args = [`${here}rtsp-players.ts`, `${streams}`, `${port}`, '/live/cam%', length, '--delays'];
    const players = await start(process.execPath, args, /playing/);
    let text = '';
    players.stdout!.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-1000);
    });
    await pause((settleSeconds + seconds) * 1000);
    await stop(players, 'SIGKILL');
    return readDelay(text, streams);
  } finally {
    await stop(publishers, 'SIGKILL');
  }
}

function readDelay(text: string, streams: number): Delay {
  const [packets, missing, closed] = lastNumbers(text, /^(\d+) (\d+) (\d+)$/gm);
  const [pictures, p50, p99] = lastNumbers(text, /^delay (\d+) ([\d.]+) ([\d.]+)$/gm);
  const expected = streams * (seconds - 1) * 25;
  if (!(pictures! >= expected * 0.95)) throw new Error(`${pictures} of ${expected} pictures came`);
  if (missing !== 0 || closed !== 0)
    throw new Error(`${missing} of ${packets} packets missing, ${closed} players gone`);
  return { pictures: pictures!, p50: p50!, p99: p99! };
}

function lastNumbers(text: string, line: RegExp): readonly number[] {
  return [...text.matchAll(line)].at(-1)?.slice(1).map(Number) ?? [];
}

const streams = Number(values.streams);
const one: Delay[] = [];
const many: Delay[] = [];
const show = ({ pictures, p50, p99 }: Delay) => `${pictures} pictures, p50 ${p50} ms, p99 ${p99} ms`;
for (let run = 0; run < Number(values.runs); run++) {
  one.push(await delayOf(1));
  many.push(await delayOf(streams));
  console.log(`run ${run + 1}: one stream ${show(one.at(-1)!)}; ${streams} streams ${show(many.at(-1)!)}`);
}
reportFigures('rtsp-delay', {
  delay_p50_ms: median(one.map(({ p50 }) => p50)),
  delay_p99_ms: median(one.map(({ p99 }) => p99)),
  many_p50_ms: median(many.map(({ p50 }) => p50)),
  many_p99_ms: median(many.map(({ p99 }) => p99)),
});
