/**
 * The tunnel part of the server alone, for `tunnel.ts`: `node bench/tunnel-server.ts PORT plain|tls`. Says a token, and after
 * each line of input the bytes that came through its channels. `dial` as a line opens a channel to the agent `a0`.
 */
import { createInterface } from 'node:readline';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { openAgents } from '@watchpost/server/agents/open-agents.ts';
import { tunnelSettings } from '@watchpost/server/agents/section.ts';
import { openDatabase } from '@watchpost/server/catalog/database.ts';
import { Certificate } from '@watchpost/server/net/certificate.ts';
import { createHttpServer } from '@watchpost/server/net/http-server.ts';

const [port = '0', how = 'plain'] = process.argv.slice(2);
const testdata = new URL('../packages/server/src/net/testdata/', import.meta.url).pathname;
const database = await openDatabase(':memory:');
const agents = await openAgents({
  database,
  clock: systemClock,
  logger: silentLogger,
  events: { emit: () => {} },
  settings: { ...tunnelSettings({}), max_agents: 10_000 },
});
const files = { certFile: `${testdata}first.crt`, keyFile: `${testdata}first.key` };
const parts = { clock: systemClock, logger: silentLogger };
const certificate = how === 'tls' ? await Certificate.open(() => files, parts) : undefined;
const http = createHttpServer({ logger: silentLogger, ...(certificate && { certificate }) });
await agents.serve(http);
await http.listen(`127.0.0.1:${port}`);
const { token } = await agents.registry.tokens.create({
  name: 'bench',
  createdBy: 'bench',
  maxUses: 100_000,
  expiresMs: Date.now() + 3_600_000,
});
let bytes = 0;
console.log(`token ${token}`);
for await (const line of createInterface(process.stdin)) {
  if (line.startsWith('dial')) {
    const isStalled = line.includes('stalled');
    const onRead = (read: number) => {
      bytes += read;
    };
    // A channel that nobody reads.
    const socket = await agents.dial({ host: 'a0', port: 1, ...(!isStalled && { onRead }) });
    socket.on('error', () => {});
  }
  console.log(`bytes ${bytes} ${agents.registry.counts().online}`);
}
