import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { StreamHub } from './stream-hub.ts';
import type { Protocol, StreamDefinition } from './types.ts';

const protocol: Protocol = { name: 'rtsp', schemes: ['rtsp'], stats: () => ({}), pull: async () => {} };
const settle = async () => {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
};
const definition = (path: string): StreamDefinition => ({
  ...{ id: 'gate', title: 'gate', protocol: 'rtsp', record: false, onDemand: false, stopped: false, origin: 'api' },
  sources: [parseSourceUrl(`rtsp://192.0.2.1/${path}`)],
});

/** A hub whose cameras take their time to say goodbye. */
async function open() {
  const pulled = new Set<string>();
  const leave: (() => void)[] = [];
  const hub = new StreamHub({
    ...{ clock: new ManualClock(), logger: silentLogger, reconnectDelayMs: 2000, protocolFor: () => protocol },
    pull: async (_protocol, { path }, { signal }) => {
      pulled.add(path);
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await new Promise<void>((resolve) => leave.push(resolve));
      pulled.delete(path);
      throw signal.reason;
    },
  });
  await hub.define(definition('1'));
  await settle();
  /** All that were told to end have ended. */
  const goodbye = async (pending: readonly Promise<unknown>[]) => {
    let isOver = false;
    const over = Promise.all(pending).then(() => {
      isOver = true;
    });
    for (let i = 0; i < 20 && !isOver; i++) {
      await settle();
      for (const done of leave.splice(0)) done();
    }
    await over;
    await settle();
  };
  return { hub, pulled, goodbye };
}

test('of two changes at once the newer one counts, and one source is pulled', async () => {
  const { hub, pulled, goodbye } = await open();
  const changes = [hub.define(definition('2')), hub.define(definition('3'))];
  await settle();
  assert.deepEqual([...pulled], ['/1'], 'cameras with room for one session are not asked for a second one');
  await goodbye(changes);
  assert.deepEqual([...pulled], ['/3']);
  await goodbye([hub[Symbol.asyncDispose]()]);
  assert.deepEqual([...pulled], []);
});

test('a stream that is removed while it is changed is not pulled any more', async () => {
  const { hub, pulled, goodbye } = await open();
  await goodbye([hub.define(definition('2')), hub.remove('gate')]);
  assert.deepEqual([hub.get('gate'), ...pulled], [undefined]);
});

test('a stream that is defined while it is removed is there', async () => {
  const { hub, pulled, goodbye } = await open();
  await goodbye([hub.remove('gate'), hub.define(definition('2'))]);
  assert.deepEqual([hub.get('gate')?.id, ...pulled], ['gate', '/2']);
  await goodbye([hub[Symbol.asyncDispose]()]);
});

test('a stream that is changed while the server ends is not pulled any more', async () => {
  const { hub, pulled, goodbye } = await open();
  await goodbye([hub.define(definition('2')), hub[Symbol.asyncDispose]()]);
  assert.deepEqual([...pulled], []);
});
