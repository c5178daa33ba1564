import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AllowList } from './allow-list.ts';
import { readAgentConfig } from './config/read-config.ts';

const listOf = (more: object) =>
  new AllowList(
    readAgentConfig({ agent: { tunnel_server_url: 'ws://s/tunnel' }, ...more }, { file: 'f', stateDir: '/s' }),
  );

test('a camera’s ports and the targets of the configuration are allowed, and nothing beside them', () => {
  const list = listOf({
    cameras: [{ host: '10.0.0.2', ports: [80], onvif_port: 8000 }],
    tunnel: { targets: ['nas:*', '10.0.0.3:22'] },
  });
  const cases: [host: string, port: number, allowed: boolean][] = [
    ['10.0.0.2', 554, true],
    ['10.0.0.2', 80, true],
    ['10.0.0.2', 8000, true],
    ['10.0.0.2', 22, false],
    ['NAS', 12_345, true],
    ['nas', 0, false],
    ['nas', 70_000, false],
    ['10.0.0.3', 22, true],
    ['127.0.0.1', 554, false],
    ['10.0.0.2.evil', 554, false],
  ];
  for (const [host, port, allowed] of cases) assert.equal(list.allows({ host, port }), allowed, `${host}:${port}`);
});

test('without cameras the agent offers its own machine, unless it looks for cameras', () => {
  assert.deepEqual(listOf({ discovery: { enabled: false } }).list(), [{ host: '127.0.0.1', port: 554 }]);
  const looking = listOf({ discovery: { enabled: true } });
  assert.deepEqual(looking.list(), []);
  looking.setFound([{ host: '10.0.0.9', port: 554 }]);
  assert.equal(looking.allows({ host: '10.0.0.9', port: 554 }), true);
  looking.setFound([]);
  assert.equal(looking.allows({ host: '10.0.0.9', port: 554 }), false, 'a camera that is gone is not allowed any more');
});

test('a port that was closed stays closed until it is opened; nobody opens one that is not allowed', () => {
  const list = listOf({ cameras: [{ host: '10.0.0.2' }] });
  const target = { host: '10.0.0.2', port: 554 };
  list.close(target);
  assert.deepEqual([list.allows(target), list.list()], [false, []]);
  assert.equal(list.open(target), true);
  assert.equal(list.allows(target), true);
  assert.equal(list.open({ host: '10.0.0.2', port: 22 }), false);
  assert.equal(list.allows({ host: '10.0.0.2', port: 22 }), false);
});
