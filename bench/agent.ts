import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { bundleAgent } from '@watchpost/agent/firmware/bundle.ts';
import { template } from '@watchpost/agent/firmware/package-parts.ts';
import { TestServer } from '@watchpost/agent/platform/test-server.ts';
import { formatEnrolmentToken } from '@watchpost/tunnel/enrolment-token.ts';
import { reportFigures } from './budgets.ts';
import { usage } from './measure.ts';

// node bench/agent.ts [SECONDS]: memory and processor time of the bundled agent with four cameras of 4 Mbit/s through it.

const seconds = Number(process.argv[2] ?? 20);
const cameras = 4;
const bytesPerSecond = 4_000_000 / 8;

const folder = mkdtempSync(join(tmpdir(), 'watchpost-bench-agent-'));
const token = { id: 'aabbccddeeff', secret: new Uint8Array(24).fill(7) };
const server = await TestServer.start(token);
const source = createServer((socket) => {
  const beganMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - beganMs) / 1000) * bytesPerSecond) - sent;
    sent += due;
    socket.write(Buffer.alloc(due, 1));
  }, 20);
  socket.on('error', () => {});
  socket.on('close', () => clearInterval(timer));
});
await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', () => resolve()));
const { port } = source.address() as AddressInfo;
const code = await bundleAgent();
writeFileSync(join(folder, 'agent.js'), code);
writeFileSync(
  join(folder, 'agent.json'),
  JSON.stringify({
    agent: {
      agent_id: 'bench',
      tunnel_server_url: server.url,
      tunnel_server_token: formatEnrolmentToken(token),
      state_dir: folder,
    },
    tunnel: { targets: [`127.0.0.1:${port}`] },
    discovery: { enabled: false },
  }),
);
// As the start script of packages does.
writeFileSync(join(folder, 'run'), template('run'), { mode: 0o755 });
const agent = spawn(join(folder, 'run'), ['-c', join(folder, 'agent.json')], {
  stdio: 'ignore',
  env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, WATCHPOST_AGENT_STATE: folder },
});
try {
  await server.until(() => server.session, 20_000);
  await server.message((message) => (message.type === 'targets' ? true : undefined));
  const streams = Array.from({ length: cameras }, () => server.open({ kind: 'tcp', host: '127.0.0.1', port }));
  // What was received is not kept: only the agent is measured.
  const drop = setInterval(() => {
    for (const { received } of streams) received.length = 0;
  }, 500);
  await wait(3000);
  const before = usage(agent.pid!);
  const bytes = streams.reduce((sum, { channel }) => sum + channel.bytesIn, 0);
  let rssBytes = 0;
  for (let i = 0; i < seconds; i++) {
    await wait(1000);
    rssBytes = Math.max(rssBytes, usage(agent.pid!).rssBytes);
  }
  const after = usage(agent.pid!);
  const carried = streams.reduce((sum, { channel }) => sum + channel.bytesIn, 0) - bytes;
  clearInterval(drop);
  console.log(`${((carried * 8) / seconds / 1e6).toFixed(1)} Mbit/s from ${cameras} cameras`);
  reportFigures('agent', {
    bundle_kb: code.length / 1000,
    rss_mb: rssBytes / 1e6,
    cores: (after.cpuSeconds - before.cpuSeconds) / seconds,
  });
  for (const { channel } of streams) channel.reset('canceled');
} finally {
  agent.kill('SIGTERM');
  await new Promise((resolve) => agent.once('exit', resolve));
  await server[Symbol.asyncDispose]();
  source.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
process.exit(0);
