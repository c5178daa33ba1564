import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { CommandResult } from '../agents/agent-session.ts';
import { openApiFixture, withoutLogins } from './api-fixture.ts';

const url = '/api/v1/agents/site/commands';
const headers = { 'content-type': 'application/json' };

test('who told an agent to do something is in the audit log, whatever came of it', async () => {
  const answers: (() => CommandResult)[] = [
    () => ({ ok: true }),
    () => ({ ok: false, error: 'no camera "cam"' }),
    () => {
      throw new WatchpostError('no answer', { kind: 'timeout', code: 'AGENT_COMMAND_TIMEOUT' });
    },
    () => ({ ok: false, error: 'not this version' }),
  ];
  await using fixture = await openApiFixture({ overrides: withoutLogins });
  const { agents } = fixture.deps;
  agents.store.find = async (id) => (id === 'site' ? ({ id } as never) : undefined);
  agents.require = () => {
    const next = answers.shift();
    if (next) return { command: async () => next() } as never;
    throw new WatchpostError('away', { kind: 'unavailable', code: 'AGENT_OFFLINE' });
  };
  const statuses: number[] = [];
  const ask = async (to: string, command: string, params: object) => {
    const payload = { command, params };
    statuses.push((await fixture.app.inject({ method: 'POST', url: to, headers, payload })).statusCode);
  };
  for (let i = 0; i < 3; i++) await ask(url, 'ptz', { camera: 'cam', command: 'left' });
  await ask(url, 'update', {});
  await ask(url, 'close_port', { host: '127.0.0.1', port: 80 });
  await ask(url, 'ptz', { camera: 'x'.repeat(1000), command: 'left' });
  await ask(url.replace('site', 'nowhere'), 'ptz', { camera: 'cam', command: 'left' });
  assert.deepEqual(statuses, [200, 200, 504, 200, 503, 503, 404]);
  const rows = await fixture.deps.audit.query({ limit: 10 });
  assert.deepEqual(
    rows.toReversed().map(({ action, detail }) => [action, detail]),
    [
      ['ptz', 'commandAgent site ptz cam'],
      ['ptz', 'commandAgent site ptz cam failed'],
      ['ptz', 'commandAgent site ptz cam failed AGENT_COMMAND_TIMEOUT'],
      ['configure', 'commandAgent site update failed'],
      ['configure', 'commandAgent site close_port 127.0.0.1 failed AGENT_OFFLINE'],
      ['ptz', `commandAgent site ptz ${'x'.repeat(64)} failed AGENT_OFFLINE`],
    ],
  );
});
