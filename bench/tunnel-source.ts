/**
 * The real agent with a target that sends without end, for `tunnel.ts`: `node bench/tunnel-source.ts URL TOKEN`. The server
 * has the certificate of the tests.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from '@watchpost/agent/agent.ts';
import { ConfigSource } from '@watchpost/agent/config/config-source.ts';
import { readAgentConfig } from '@watchpost/agent/config/read-config.ts';
import { agentLogger, LogTail } from '@watchpost/agent/log.ts';
import { nodePlatform } from '@watchpost/agent/platform/node-platform.ts';
import type { Connection, ConnectionHandler, Platform } from '@watchpost/agent/platform/platform.ts';

const [url = '', token = ''] = process.argv.slice(2);
const stateDir = mkdtempSync(join(tmpdir(), 'watchpost-bench-source-'));
process.on('exit', () => rmSync(stateDir, { recursive: true, force: true }));
const certificate = new X509Certificate(
  readFileSync(new URL('../packages/server/src/net/testdata/first.crt', import.meta.url)),
);
const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
const chunk = new Uint8Array(64 * 1024);

/** Sends as much as the channel takes. */
async function pour(_target: unknown, handler: ConnectionHandler): Promise<Connection> {
  let isOpen = true;
  let isPaused = false;
  const fill = () => {
    isPaused = false;
    while (isOpen && !isPaused) handler.onData(chunk);
  };
  const close = () => {
    isOpen = false;
  };
  setImmediate(fill);
  const pause = () => {
    isPaused = true;
  };
  return { write: () => true, end: close, destroy: close, pause, resume: fill, waitingBytes: 0 };
}

const platform: Platform = { ...nodePlatform(), dial: pour };
const isConnected = (line: string) => {
  if (line.includes('Connected to the server')) console.log('connected');
};
const tail = new LogTail();
const logger = agentLogger({ clock: platform.clock, verbose: false, tail, write: isConnected });
const config = readAgentConfig(
  {
    agent: {
      agent_id: 'a0',
      tunnel_server_url: url,
      tunnel_server_token: token,
      ...(url.startsWith('wss:') && {
        certificate_pins: [createHash('sha256').update(key).digest('base64')],
      }),
    },
    tunnel: { targets: ['127.0.0.1:*', 'a0:*'] },
    discovery: { enabled: false },
  },
  { file: 'bench', stateDir },
);
await new Agent(config, {
  platform,
  logger,
  tail,
  version: 'bench',
  local: config,
  source: new ConfigSource(platform, undefined),
}).start();
