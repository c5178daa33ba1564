import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { BindAddress } from './bind-address.ts';
import { type ListenSettings, ProtocolPorts } from './protocol-ports.ts';

const testdata = new URL('testdata/', import.meta.url).pathname;
const files = { certFile: `${testdata}first.crt`, keyFile: `${testdata}first.key` };
const plain = { host: '127.0.0.1', port: 1 };
const secure = { host: '127.0.0.1', port: 2 };

/** Ports of which some are another program's; `open` are ours. */
async function makeBench(settings: ListenSettings, taken: readonly number[]) {
  const clock = new ManualClock();
  const bench = { taken: new Set(taken), open: new Set<number>(), errors: [] as string[], asked: [] as number[] };
  const listen = async (bind: BindAddress) => {
    bench.asked.push(bind.port);
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (bench.taken.has(bind.port)) throw new Error(`port ${bind.port} is taken`);
    bench.open.add(bind.port);
    return { ...bind, stop: () => void bench.open.delete(bind.port) };
  };
  const logger = { ...silentLogger, error: (message: string) => void bench.errors.push(message) };
  const parts = { protocol: 'rtsp', server: { listen }, settings: () => settings, clock, logger };
  const ports = await ProtocolPorts.open(parts);
  /** Waits until the look that is due then has asked for `ports`, and for a moment more. */
  const pass = async (ms: number, ...ports: readonly number[]) => {
    const before = bench.asked.length;
    clock.advance(ms);
    do await new Promise((resolve) => setTimeout(resolve, 40));
    while (bench.asked.length < before + ports.length);
    assert.deepEqual(bench.asked.slice(before), ports);
  };
  return { ...bench, ports, pass };
}

test('a port that another program has is taken once that is gone, and told of once', async () => {
  const { ports, pass, taken, errors } = await makeBench({ bind: plain, tls: { bind: secure, files } }, [1, 2]);
  using _open = ports;
  assert.deepEqual(ports.open, {});
  await pass(30_000, 1, 2);
  assert.deepEqual(errors, ['port 1 is taken', 'port 2 is taken']);
  taken.delete(2);
  await pass(10_000, 1, 2);
  assert.deepEqual(ports.open, { tls: 2 });
  taken.delete(1);
  await ports.look();
  assert.deepEqual(ports.open, { plain: 1, tls: 2 }, 'a new reading of the configuration does not wait');
  assert.equal(errors.length, 2);
});

test('a taken port is told of once, whether or not its holder was found out this time', async () => {
  const clock = new ManualClock();
  const errors: string[] = [];
  let asked = 0;
  const listen = async ({ port }: BindAddress): Promise<never> => {
    const holder = ++asked % 2 === 0 ? 'another program' : '"nginx"';
    throw new WatchpostError(`port ${port} is taken by ${holder}`, {
      ...{ kind: 'unavailable', code: 'RTSP_PORT_TAKEN', context: { port } },
    });
  };
  const logger = { ...silentLogger, error: (message: string) => void errors.push(message) };
  const settings = { bind: plain };
  using ports = await ProtocolPorts.open({
    protocol: 'rtsp',
    server: { listen },
    settings: () => settings,
    clock,
    logger,
  });
  await ports.look();
  await ports.look();
  assert.equal(asked, 3);
  assert.deepEqual(errors, ['port 1 is taken by "nginx"']);
  settings.bind = secure;
  await ports.look();
  assert.deepEqual(errors.slice(1), ['port 2 is taken by another program']);
});

test('a port that is had only after all is over is freed', async () => {
  const { ports, taken, open, pass } = await makeBench({ bind: plain }, [1]);
  taken.delete(1);
  const looked = ports.look();
  await new Promise((resolve) => setImmediate(resolve));
  ports[Symbol.dispose]();
  await looked;
  await pass(20_000);
  assert.deepEqual([...open], []);
});
