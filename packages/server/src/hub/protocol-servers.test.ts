import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { ProtocolServers } from './protocol-servers.ts';
import type { StreamHub } from './stream-hub.ts';
import type { AccessControl, ListenContext, Protocol } from './types.ts';

const asked = {
  action: 'live',
  streamId: 'gate',
  headers: {},
  query: new URLSearchParams(),
  remoteAddress: '',
} as const;

/** A protocol on the shared HTTP server and one with ports of its own; what they did is in `log`. */
async function open(names: readonly string[]) {
  const log: string[] = [];
  const access: Record<string, AccessControl> = {};
  const withdrawn: ((reason: WatchpostError) => void)[] = [];
  const server: AccessControl = {
    authorize: async () => ({
      onEnd: (end) => {
        withdrawn.push(end);
        return () => void log.push('forgotten');
      },
    }),
  };
  const protocol = (name: string, hasOwnPorts: boolean): Protocol => ({
    ...{ name, hasOwnPorts, schemes: [], stats: () => ({}) },
    listen: async (_hub, context) => {
      log.push(`${name} listens`);
      access[name] = context.access;
      return {
        reload: async () => void log.push(`${name} reads again`),
        [Symbol.asyncDispose]: async () => void log.push(`${name} stops`),
      };
    },
  });
  const enabled = new Set(names);
  const servers = await ProtocolServers.open({
    protocols: [protocol('flv', false), protocol('rtsp', true)],
    hub: {} as StreamHub,
    contextOf: () => ({ access: server }) as ListenContext,
    isServed: ({ name }) => enabled.has(name),
  });
  const enable = (...wanted: string[]) => {
    enabled.clear();
    for (const name of wanted) enabled.add(name);
    return servers.configure();
  };
  return { servers, log, access, withdrawn, enable };
}

test('routes are there for good, ports open and close', async () => {
  const { servers, log, enable } = await open([]);
  assert.deepEqual(log, ['flv listens'], 'routes cannot be added later');
  await enable('rtsp');
  assert.deepEqual(log.splice(0), ['flv listens', 'flv reads again', 'rtsp listens']);
  await enable('rtsp', 'flv');
  assert.deepEqual(log.splice(0), ['flv reads again', 'rtsp reads again']);
  await enable();
  assert.deepEqual(log.splice(0), ['flv reads again', 'rtsp stops']);
  await enable('rtsp');
  log.length = 0;
  await servers[Symbol.asyncDispose]();
  assert.deepEqual(log.splice(0), ['rtsp stops', 'flv stops']);
  await enable('rtsp');
  assert.deepEqual(log, [], 'a configuration that is read meanwhile opens nothing');
});

test('nobody is let in where the protocol is off, and whoever is in is shown out, once', async () => {
  const { access, withdrawn, log, enable } = await open(['flv']);
  const grant = await access['flv']!.authorize(asked);
  const reasons: string[] = [];
  grant.onEnd(({ code }) => reasons.push(code));
  const forget = (await access['flv']!.authorize(asked)).onEnd(({ code }) => reasons.push(`left ${code}`));
  forget();
  await enable();
  assert.deepEqual(reasons, ['PROTOCOL_DISABLED']);
  withdrawn[0]!(new WatchpostError('gone', { kind: 'forbidden', code: 'ACCESS_REVOKED' }));
  assert.equal(reasons.length, 1);
  assert.equal(log.filter((line) => line === 'forgotten').length, 2);
  await assert.rejects(access['flv']!.authorize(asked), {
    code: 'PROTOCOL_DISABLED',
    message: /name "flv" in protocols\.enabled/,
  });
  grant.onEnd(({ code }) => reasons.push(code));
  await Promise.resolve();
  assert.deepEqual(reasons, ['PROTOCOL_DISABLED', 'PROTOCOL_DISABLED'], 'who came in between');
  await enable('flv');
  await access['flv']!.authorize(asked);
});

test('a right that ends while the protocol is on ends as ever', async () => {
  const { access, withdrawn } = await open(['flv']);
  const reasons: string[] = [];
  (await access['flv']!.authorize(asked)).onEnd(({ code }) => reasons.push(code));
  withdrawn[0]!(new WatchpostError('gone', { kind: 'forbidden', code: 'ACCESS_REVOKED' }));
  assert.deepEqual(reasons, ['ACCESS_REVOKED']);
});

test('a port that is opened while the server ends is closed again', async () => {
  const opened = Promise.withResolvers<void>();
  const log: string[] = [];
  const protocol: Protocol = {
    ...{ name: 'rtsp', hasOwnPorts: true, schemes: [], stats: () => ({}) },
    listen: async () => {
      await opened.promise;
      return { [Symbol.asyncDispose]: async () => void log.push('rtsp stops') };
    },
  };
  let isEnabled = false;
  const servers = await ProtocolServers.open({
    protocols: [protocol],
    hub: {} as StreamHub,
    contextOf: () => ({ access: {} }) as ListenContext,
    isServed: () => isEnabled,
  });
  isEnabled = true;
  const configured = servers.configure();
  const ended = servers[Symbol.asyncDispose]();
  opened.resolve();
  await Promise.all([configured, ended]);
  assert.deepEqual(log, ['rtsp stops']);
});
