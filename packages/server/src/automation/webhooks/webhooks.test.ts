import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { type Database, openDatabase } from '../../catalog/database.ts';
import { EventLog } from '../../catalog/event-log.ts';
import type { EventRecord, NewEvent } from '../../catalog/types.ts';
import { WebhookStore } from '../../catalog/webhook-store.ts';
import { readConfigText } from '../../config/load.ts';
import { toBody } from './payload.ts';
import { type WebhookSettings, webhooksSection } from './section.ts';
import type { WebhookParts } from './webhook.ts';
import { Webhooks } from './webhooks.ts';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver that answers with one of `answers` after the other, then with 204. `hang`: not at all. */
class Receiver {
  readonly received: Received[] = [];
  answers: (number | 'hang' | Record<string, string>)[] = [];
  url = '';
  server: Server | undefined;
  port = 0;

  async listen(): Promise<void> {
    const answer: RequestListener = async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      this.received.push({ headers: request.headers, body });
      const next = this.answers.shift() ?? 204;
      if (typeof next === 'number') response.writeHead(next).end('x'.repeat(10));
      else if (next !== 'hang') response.writeHead(307, next).end();
    };
    this.server = createServer(answer);
    await new Promise<void>((resolve) => this.server!.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.port}/hook`;
  }

  async close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  }

  get ids(): number[] {
    return this.received.map(({ body }) => (JSON.parse(body) as { id: number }).id);
  }
}

async function open(t: TestContext, settings: Partial<WebhookSettings> = {}, parts: Partial<WebhookParts> = {}) {
  const receiver = new Receiver();
  await receiver.listen();
  const database = await openDatabase(':memory:');
  const told: NewEvent[] = [];
  const listeners = new Set<(event: EventRecord) => void>();
  const hooks = new Webhooks({
    clock: systemClock,
    logger: silentLogger,
    userAgent: 'Watchpost/test',
    firstDelayMs: 5,
    timeoutMs: 10_000,
    ...parts,
    store: new WebhookStore(database),
    events: {
      emit: (event) => told.push(event),
      lastId: 0,
      query: async () => [],
      onSettled: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  });
  const hook = { url: receiver.url, events: ['*'], min_level: 'info' as const, give_up: 3600, ...settings };
  hooks.configure([hook]);
  t.after(async () => {
    await hooks[Symbol.asyncDispose]();
    await receiver.close();
    await database.destroy();
  });
  let id = 0;
  const emit = (event: Partial<EventRecord> = {}) => {
    const record = {
      id: ++id,
      atMs: Date.now(),
      type: 'stream.offline',
      level: 'warning' as const,
      message: 'm',
      ...event,
    };
    for (const listener of listeners) listener(record);
  };
  return { receiver, hooks, hook, told, emit };
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

/** A thousand deliveries, one after the other, take seconds where others use the machine. */
async function until(what: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 20_000; performance.now() < endMs; ) {
    if (what()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`never came true: ${what}`);
}

test('an event is sent as JSON, with a signature over time and body', async (t) => {
  const { receiver, emit } = await open(t, { secret: 'correct horse' });
  const atMs = Date.now();
  emit({ atMs, streamId: 'gate', reason: 'SOURCE_SILENT', message: 'gone', data: { kind: 'timeout' } });
  await until(() => receiver.received.length === 1);
  const { headers, body } = receiver.received[0]!;
  assert.deepEqual(JSON.parse(body), {
    id: 1,
    at: new Date(atMs).toISOString(),
    type: 'stream.offline',
    level: 'warning',
    stream_id: 'gate',
    reason: 'SOURCE_SILENT',
    message: 'gone',
    data: { kind: 'timeout' },
  });
  const timestamp = String(headers['x-watchpost-timestamp']);
  assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 5);
  const expected = createHmac('sha256', 'correct horse').update(`${timestamp}.${body}`).digest('hex');
  assert.equal(headers['x-watchpost-signature'], `sha256=${expected}`);
  assert.deepEqual([headers['content-type'], headers['x-watchpost-delivery']], ['application/json', '1']);
});

test('without a secret there is no signature; a login in the address becomes Basic authentication', async (t) => {
  const { receiver, hooks, hook, emit } = await open(t);
  hooks.configure([{ ...hook, url: hook.url.replace('//', '//anna:p%40ss@') }]);
  emit();
  await until(() => receiver.received.length === 1);
  const { headers } = receiver.received[0]!;
  assert.equal(headers['x-watchpost-signature'], undefined);
  assert.equal(headers.authorization, `Basic ${Buffer.from('anna:p@ss').toString('base64')}`);
  assert.equal(hooks.states[0]?.url, `http://127.0.0.1:${receiver.port}/***`);
});

test('each event is tried until it is taken, in order: errors, silence, a dead port', async (t) => {
  const { receiver, hooks, told, emit } = await open(t, {}, { timeoutMs: 1000 });
  receiver.answers = [500, 'hang', 503, 429];
  for (let i = 0; i < 3; i++) emit();
  await until(() => hooks.states[0]!.delivered === 3);
  assert.deepEqual(receiver.ids, [1, 1, 1, 1, 1, 2, 3]);
  await receiver.close();
  for (let i = 0; i < 2; i++) emit();
  await until(() => told.filter(({ type }) => type === 'webhook.failing').length === 2);
  await receiver.listen();
  await until(() => hooks.states[0]!.delivered === 5);
  assert.deepEqual(receiver.ids.slice(-2), [4, 5]);
  await until(() => told.length === 4);
  assert.deepEqual(
    told.map(({ type }) => type),
    ['webhook.failing', 'webhook.recovered', 'webhook.failing', 'webhook.recovered'],
  );
});

test('an event that the receiver cannot take does not hold up the others', async (t) => {
  const { receiver, hooks, emit } = await open(t);
  receiver.answers = [422];
  emit();
  emit();
  await until(() => hooks.states[0]!.delivered === 1);
  assert.deepEqual([receiver.ids, hooks.states[0]?.dropped], [[1, 2], 1]);
});

test('the newest thousand wait; what was dropped is counted and told to the receiver', async (t) => {
  const { receiver, hooks, emit } = await open(t, {}, { timeoutMs: 1000 });
  receiver.answers = ['hang'];
  await pause();
  for (let i = 0; i < 1010; i++) emit();
  assert.deepEqual([hooks.states[0]?.waiting, hooks.states[0]?.dropped], [1000, 10]);
  await until(() => receiver.received.length >= 3);
  assert.deepEqual(receiver.ids.slice(0, 3), [1, 11, 12]);
  assert.deepEqual(
    receiver.received.slice(0, 3).map(({ headers }) => headers['x-watchpost-dropped']),
    [undefined, '10', undefined],
  );
});

test('an event that is too old is given up', async (t) => {
  const { receiver, hooks, emit } = await open(t, { give_up: 60 });
  emit({ atMs: Date.now() - 61_000 });
  emit();
  await until(() => hooks.states[0]!.delivered === 1);
  assert.deepEqual([receiver.ids, hooks.states[0]?.dropped], [[2], 1]);
});

test('a redirect is followed on the same host, and to no other', async (t) => {
  const { receiver, hooks, emit } = await open(t);
  const other = new Receiver();
  await other.listen();
  t.after(() => other.close());
  receiver.answers = [{ location: '/elsewhere' }, 204, { location: other.url }, 204];
  emit();
  await until(() => hooks.states[0]!.delivered === 1);
  emit();
  await until(() => hooks.states[0]!.delivered === 2);
  assert.deepEqual([receiver.ids, other.received.length], [[1, 1, 2, 2], 0]);
});

test('only the events asked for are sent, and none about hooks', async (t) => {
  const { receiver, emit } = await open(t, { events: ['stream.*', 'disk.low'], min_level: 'warning' });
  emit({ type: 'stream.online', level: 'info' });
  emit({ type: 'disk.low', level: 'error' });
  emit({ type: 'disk.full', level: 'error' });
  emit({ type: 'streamy.x', level: 'error' });
  emit({ type: 'webhook.failing', level: 'error' });
  emit({ type: 'stream.offline', level: 'warning' });
  await until(() => receiver.received.length === 2);
  assert.deepEqual(receiver.ids, [2, 6]);
});

test('each hook counts what it loses under a name of its own: the one given, or its host', async (t) => {
  const { receiver, hooks, hook, emit } = await open(t);
  const host = new URL(receiver.url).host;
  const urls = ['/a', '/b', '/c'].map((path) => new URL(path, receiver.url).href);
  const hang = { ...hook, give_up: 3600 };
  hooks.configure([
    { ...hang, url: urls[0]! },
    { ...hang, url: urls[1]! },
    { ...hang, url: urls[2]!, name: 'pager' },
  ]);
  assert.deepEqual(
    hooks.states.map(({ name }) => name),
    [host, `${host}-2`, 'pager'],
  );
  receiver.answers = [400, 400, 400];
  emit();
  await until(() => hooks.states.every(({ dropped }) => dropped === 1));
});

test('a new configuration keeps what waits for an address that stays', async (t) => {
  const { receiver, hooks, hook, emit } = await open(t, {}, { firstDelayMs: 100 });
  receiver.answers = [500];
  emit();
  await until(() => receiver.received.length === 1);
  hooks.configure([{ ...hook, secret: 'new secret' }]);
  await until(() => hooks.states[0]!.delivered === 1);
  assert.ok(receiver.received[1]?.headers['x-watchpost-signature']);
  hooks.configure([]);
  emit();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(receiver.received.length, 2);
});

/** A process: log of events and hooks over a database that outlives it. */
async function startProcess(database: Database, hook: WebhookSettings, parts: Partial<WebhookParts> = {}) {
  const shared = { clock: systemClock, logger: silentLogger };
  const events = await EventLog.open({ database, ...shared, writeDelayMs: 1 });
  const hooks = new Webhooks({
    ...{ ...shared, events, userAgent: 'Watchpost/test', firstDelayMs: 5, timeoutMs: 10_000 },
    ...{ store: new WebhookStore(database), ...parts },
  });
  hooks.configure([hook]);
  const emit = (type = 'stream.offline') => events.emit({ type, level: 'warning', message: 'm' });
  const end = async () => {
    await hooks[Symbol.asyncDispose]();
    await events[Symbol.asyncDispose]();
  };
  return { events, hooks, emit, end };
}

async function openRestarts(t: TestContext, settings: Partial<WebhookSettings> = {}) {
  const receiver = new Receiver();
  await receiver.listen();
  const database = await openDatabase(':memory:');
  t.after(async () => {
    await receiver.close();
    await database.destroy();
  });
  const hook = { url: receiver.url, events: ['stream.*'], min_level: 'info' as const, give_up: 3600, ...settings };
  return { receiver, database, hook };
}

test('what waits outlives the process: the next one delivers it in order, once, and with the pause that was left', async (t) => {
  const { receiver, database, hook } = await openRestarts(t);
  const first = await startProcess(database, hook, { firstDelayMs: 60_000 });
  first.emit();
  await until(() => receiver.received.length === 1);
  await receiver.close();
  const firstIds = receiver.ids;
  first.emit();
  first.emit('disk.low');
  first.emit();
  await until(() => first.hooks.states[0]!.waiting === 2);
  const store = new WebhookStore(database);
  for (let i = 0; i < 400 && (await store.load(hook.url))?.failures !== 1; i++) await pause();
  await first.end();
  first.events.emit({ type: 'stream.offline', level: 'warning', message: 'while it ends' });

  const row = (await store.load(hook.url))!;
  assert.deepEqual([row.settledId, row.failures], [1, 1]);
  assert.ok(row.nextMs > Date.now() + 20_000, JSON.stringify(row));
  await store.save(hook.url, { ...row, nextMs: Date.now() + 200 });
  await receiver.listen();
  const startedMs = performance.now();
  const second = await startProcess(database, hook);
  second.emit();
  await until(() => second.hooks.states[0]!.delivered === 3);
  assert.ok(performance.now() - startedMs >= 190, 'the pause that was left');
  assert.deepEqual(firstIds, [1]);
  const sent = receiver.ids.slice(1);
  const known = await second.events.query({ types: ['stream.'], afterId: 1, limit: 10 });
  assert.deepEqual(
    sent,
    known.map(({ id }) => id),
  );
  await second.end();
  assert.equal((await new WebhookStore(database).load(hook.url))!.settledId, sent.at(-1));
});

test('a process that is killed delivers again only what it had no time to note, with the same id', async (t) => {
  const { receiver, database, hook } = await openRestarts(t);
  const killed = await startProcess(database, hook, { store: withoutWriting(new WebhookStore(database)) });
  await new WebhookStore(database).save(hook.url, { settledId: 0, failures: 0, nextMs: 0, dropped: 0 });
  killed.emit();
  killed.emit();
  await until(() => killed.hooks.states[0]!.delivered === 2);
  await killed.end();
  const next = await startProcess(database, hook);
  next.emit();
  await until(() => next.hooks.states[0]!.delivered === 3);
  assert.deepEqual(receiver.ids, [1, 2, 1, 2, 3]);
  await next.end();
});

test('more than a thousand that wait over a restart: the newest are kept, the loss is counted, told and an event', async (t) => {
  const { receiver, database, hook } = await openRestarts(t);
  await receiver.close();
  const first = await startProcess(database, hook);
  for (let i = 0; i < 900; i++) first.emit();
  await until(() => first.hooks.states[0]!.waiting === 900);
  await first.end();
  const second = await startProcess(database, hook, { firstDelayMs: 50 });
  for (let i = 0; i < 150; i++) second.emit();
  await until(() => second.hooks.states[0]!.dropped === 50);
  assert.equal((await second.events.query({ types: ['webhook.dropping'], limit: 10 })).length, 1);
  await receiver.listen();
  await until(() => second.hooks.states[0]!.delivered === 1000);
  assert.equal(receiver.received[0]!.headers['x-watchpost-dropped'], '50');
  await second.end();
});

test('an address that goes is forgotten; one that is new hears of nothing old', async (t) => {
  const { receiver, database, hook } = await openRestarts(t);
  const { hooks, emit, end, events } = await startProcess(database, { ...hook, events: ['disk.*'] });
  emit();
  await events.flush();
  const store = new WebhookStore(database);
  for (let i = 0; i < 100 && !(await store.load(hook.url)); i++) await pause();
  assert.equal((await store.load(hook.url))!.settledId, 1);
  hooks.configure([]);
  for (let i = 0; i < 100 && (await store.load(hook.url)); i++) await pause();
  assert.equal(await store.load(hook.url), undefined);
  hooks.configure([hook]);
  emit();
  await until(() => hooks.states[0]!.delivered === 1);
  assert.deepEqual(receiver.ids, [2]);
  await end();
});

function withoutWriting(store: WebhookStore): WebhookParts['store'] {
  return { load: (url) => store.load(url), save: async () => {}, keepOnly: async () => {} };
}

test('credentials are taken out of what is sent', () => {
  const body = toBody({
    id: 1,
    atMs: 0,
    type: 'stream.offline',
    level: 'info',
    message: 'rtsp://admin:hunter2@192.0.2.1/a is gone',
    data: { source: ['see http://u:hunter2@h/x?token=hunter2'], password: 'hunter2', nested: { api_token: 'hunter2' } },
  });
  assert.ok(!body.includes('hunter2'), body);
});

test('mistakes in the section are named', () => {
  const read = (text: string) => readConfigText(text, [webhooksSection], { file: 'w.toml', environment: {} });
  const cases: [text: string, key: string][] = [
    ['url = "ftp://h/x"', 'webhooks[0].url'],
    ['url = "https://h/x"\nevents = ["stream"]', 'webhooks[0].events[0]'],
    ['url = "https://h/x"\nsecret = "short"', 'webhooks[0].secret'],
    ['url = "https://h/x"\nlevel = "info"', 'webhooks[0].level'],
    ['events = ["*"]', 'webhooks[0].url'],
    ['url = "https://h/x"\nname = "two words"', 'webhooks[0].name'],
    ['url = "https://h/x"\nname = "a"\n[[webhooks]]\nurl = "https://h/y"\nname = "a"', 'webhooks[1].name'],
    ['url = "https://h/x"\n[[webhooks]]\nurl = "https://h/x"\nevents = ["disk.low"]', 'webhooks[1].url'],
  ];
  for (const [text, key] of cases)
    assert.deepEqual(
      read(`[[webhooks]]\n${text}`).errors.map((error) => error.key),
      [key],
      text,
    );
  assert.deepEqual(read('[[webhooks]]\nurl = "https://h/x"').config?.sections['webhooks'], [
    { url: 'https://h/x', events: ['*'], min_level: 'info', give_up: 43_200 },
  ]);
  const webhooks = read('[webhooks]\nurl = "https://h/x"').errors[0];
  assert.match(webhooks?.cure ?? '', /\[\[webhooks\]\] with two brackets/);
});
