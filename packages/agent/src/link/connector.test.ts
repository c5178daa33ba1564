import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { webCrypto } from '@watchpost/tunnel/handshake/crypto.ts';
import { readAgentConfig } from '../config/read-config.ts';
import type { Platform } from '../platform/platform.ts';
import { Connector } from './connector.ts';

test('attempts space out while no certificate is valid yet; once the clock is set the next one comes at once', async () => {
  const clock = new ManualClock(0);
  const crypto = webCrypto(globalThis.crypto);
  const attempts: number[] = [];
  const platform = {
    ...{ clock, crypto },
    openWebSocket: async () => {
      attempts.push(clock.monotonicMs());
      throw new WatchpostError('not valid yet', { kind: 'unavailable', code: 'AGENT_UNREACHABLE' });
    },
  } as Partial<Platform> as Platform;
  const context = { file: 'agent.json', stateDir: '/nowhere' };
  const config = readAgentConfig({ agent: { tunnel_server_url: 'wss://s.example/tunnel' } }, context);
  const connector = new Connector(
    {
      ...{ platform, config, logger: silentLogger, software: 'test' },
      identity: { agentId: 'gate', keys: await crypto.makeKeyPair() },
      pin: async () => {},
      onSession: () => {},
      onSessionClosed: () => {},
      handler: { open: () => {}, message: () => {} },
    },
    {},
  );
  const abort = new AbortController();
  const ended = connector.run(abort.signal);
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds * 2; i++) {
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      clock.advance(500);
    }
  };
  await pass(120);
  const before = attempts.length;
  const last = attempts.at(-1)! - attempts.at(-2)!;
  assert.ok(before >= 7 && last >= 15_000 && last <= 30_000, `${attempts}`);
  clock.stepWall(1_760_000_000_000);
  await pass(2);
  assert.ok(attempts.length > before, 'one at once');
  await pass(5);
  assert.ok(attempts.length <= before + 1, 'and no more than one');
  abort.abort();
  await ended;
});
