/**
 * Tunnels: one channel between two processes, plain, with TLS and over a line of 100 ms; a stalled channel beside it; idle
 * agents; cameras through tunnels into the hub.
 *
 *   node bench/tunnel.ts [--seconds 5] [--idle 2000] [--cameras 100] [--only bulk,far,idle,hub]
 */
import type { ChildProcess } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ChaosProxy } from '../e2e/chaos-proxy.ts';
import { reportFigures } from './budgets.ts';
import { measure, median, pause, start, startTalking, stop, usage } from './measure.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    idle: { type: 'string', default: '2000' },
    cameras: { type: 'string', default: '100' },
    only: { type: 'string', default: 'bulk,far,idle,hub' },
  },
});
const seconds = Number(values.seconds);
const only = values.only.split(',');
const here = new URL('.', import.meta.url).pathname;
const port = 19_660;

/** Starts the server, and gives a function that says a line to it and reads the answer. */
async function tunnelServer(how: 'plain' | 'tls') {
  const child = await startTalking(process.execPath, [`${here}tunnel-server.ts`, `${port}`, how], /token \S+\n/);
  const answers: ((line: string) => void)[] = [];
  const { output } = child;
  child.process.stdout!.on('data', (text: Buffer) => {
    for (const [line] of text.toString().matchAll(/bytes .*/g)) answers.shift()?.(line);
  });
  const ask = async (line: string) => {
    const answer = new Promise<string>((resolve) => answers.push(resolve));
    child.process.stdin!.write(`${line}\n`);
    const [, bytes, online] = (await answer).split(' ');
    return { bytes: Number(bytes), online: Number(online) };
  };
  return { process: child.process, token: /token (\S+)/.exec(output)![1]!, ask };
}

async function agents(args: readonly string[]): Promise<ChildProcess> {
  return start(process.execPath, [`${here}tunnel-agents.ts`, ...args], /connected/);
}

/** Mbit/s of one channel. */
async function bulk(how: 'plain' | 'tls', { delayMs = 0, stalled = 0 } = {}): Promise<number> {
  const server = await tunnelServer(how);
  const proxy = delayMs > 0 ? await ChaosProxy.open(port, delayMs) : undefined;
  const scheme = how === 'tls' ? 'wss' : 'ws';
  const url = `${scheme}://127.0.0.1:${proxy?.port ?? port}/tunnel`;
  const agent = await start(process.execPath, [`${here}tunnel-source.ts`, url, server.token], /connected/);
  try {
    for (let i = 0; i < stalled; i++) await server.ask('dial stalled');
    await server.ask('dial');
    await pause(delayMs > 0 ? 5000 : 1500);
    const before = await server.ask('');
    const startMs = performance.now();
    await pause(seconds * 1000);
    const after = await server.ask('');
    return ((after.bytes - before.bytes) * 8) / 1000 / (performance.now() - startMs);
  } finally {
    await stop(agent, 'SIGKILL');
    await stop(server.process, 'SIGKILL');
    await proxy?.[Symbol.asyncDispose]();
  }
}

async function best(run: () => Promise<number>, runs = 3): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i < runs; i++) all.push(await run());
  console.log(`Mbit/s: ${all.map((each) => each.toFixed(0)).join(', ')}`);
  return median(all);
}

async function idle(count: number): Promise<void> {
  const server = await tunnelServer('plain');
  const before = usage(server.process.pid!);
  const agent = await agents([`ws://127.0.0.1:${port}/tunnel`, server.token, `${count}`, 'idle']);
  await pause(3000);
  const { online } = await server.ask('');
  const { cores, rssMb } = await measure(server.process.pid!, 20);
  console.log(`${online} agents online`);
  reportFigures('tunnel', {
    idle_agents_missing: count - online,
    cores_for_2000_idle: (cores * 2000) / count,
    kb_for_an_idle_agent: (rssMb * 1000 - before.rssBytes / 1000) / count,
  });
  await stop(agent, 'SIGKILL');
  await stop(server.process, 'SIGKILL');
}

async function intoHub(count: number): Promise<void> {
  const cameraPort = 19_661;
  const args = [`${here}cameras.ts`, '--port', `${cameraPort}`, '--seconds', '300', '--kbps', '2000'];
  const cameras = await start(process.execPath, args, /cameras on/);
  const urls = Array.from({ length: count }, (_, i) => `rtsp+tunnel://a${i}:${cameraPort}/cam${i}`);
  await using server = await startServer({ urls, record: false, port });
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/agents/enrolment-tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ max_uses: count }),
  });
  const { token } = (await answer.json()) as { token: string };
  const agent = await agents([`ws://127.0.0.1:${port}/tunnel`, token, `${count}`, `${cameraPort}`]);
  await pause(15_000);
  const { streams } = (await (await fetch(`http://127.0.0.1:${port}/api/v1/streams?limit=500`)).json()) as {
    streams: { state: string }[];
  };
  const online = streams.filter(({ state }) => state === 'online').length;
  const { cores, rssMb } = await measure(server.process.pid!, seconds * 2);
  console.log(`${online} of ${count} cameras online, ${rssMb.toFixed(0)} MB`);
  reportFigures('tunnel', { cameras_missing: count - online, cores_for_100_cameras: (cores * 100) / count });
  await stop(agent, 'SIGKILL');
  await stop(cameras, 'SIGKILL');
}

if (only.includes('bulk')) {
  const plain = await best(() => bulk('plain'));
  const tls = await best(() => bulk('tls'));
  const beside = await best(() => bulk('plain', { stalled: 5 }));
  reportFigures('tunnel', {
    seconds_for_2_gbit_plain: 2000 / plain,
    seconds_for_1_gbit_tls: 1000 / tls,
    slower_beside_stalled: plain / beside,
  });
}
if (only.includes('far')) {
  const far = await best(() => bulk('plain', { delayMs: 50 }), 1);
  reportFigures('tunnel', { seconds_for_200_mbit_at_100_ms: 200 / far });
}
if (only.includes('idle')) await idle(Number(values.idle));
if (only.includes('hub')) await intoHub(Number(values.cameras));
