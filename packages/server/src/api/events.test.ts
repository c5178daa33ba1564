import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { type ApiFixture, openApiFixture, withoutLogins } from './api-fixture.ts';

const open = { overrides: withoutLogins } as const;

function emit(fixture: ApiFixture, count: number, type = 'stream.online'): void {
  for (let i = 0; i < count; i++) fixture.events.emit({ type, level: 'info', streamId: 'gate', message: `event ${i}` });
}

/** Reads server-sent events from a socket until `enough`. */
class EventReader {
  text = '';
  readonly response: IncomingMessage;
  #wake: () => void = () => {};

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8').on('data', (chunk: string) => {
      this.text += chunk;
      this.#wake();
    });
    response.on('close', () => this.#wake());
    response.on('error', () => {});
  }

  static async open(fixture: ApiFixture, path: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const { port } = fixture.server.address ?? (await fixture.server.listen('127.0.0.1:0'));
    const request = get({ port, host: '127.0.0.1', path, headers: { accept: 'text/event-stream', ...headers } });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return new EventReader(response);
  }

  get ids(): number[] {
    return [...this.text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
  }

  async until(enough: () => boolean): Promise<void> {
    while (!enough() && !this.response.closed) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  close(): void {
    this.response.destroy();
  }
}

test('events come in pages, newest first, or oldest first after an id; filtered by stream, type, level', async () => {
  await using fixture = await openApiFixture(open);
  emit(fixture, 3);
  fixture.events.emit({ type: 'disk.low', level: 'warning', message: 'little room' });
  const page = async (query: string) => {
    const answer = await fixture.app.inject({ url: `/api/v1/events${query}` });
    assert.equal(answer.statusCode, 200, answer.body);
    const { events, next } = answer.json() as { events: { id: number }[]; next: number | null };
    return { ids: events.map(({ id }) => id), next };
  };
  assert.deepEqual(await page('?limit=3'), { ids: [4, 3, 2], next: 2 });
  assert.deepEqual(await page('?limit=3&before=2'), { ids: [1], next: null });
  assert.deepEqual(await page('?limit=2&after=1'), { ids: [2, 3], next: 3 });
  assert.deepEqual(await page('?stream_id=gate&type=stream.,disk.low'), { ids: [3, 2, 1], next: null });
  assert.deepEqual(await page('?level=warning'), { ids: [4], next: null });
  const answer = await fixture.app.inject({ url: '/api/v1/events?type=disk.' });
  assert.deepEqual(answer.json().events, [
    {
      id: 4,
      at: '2025-10-09T08:53:20.000Z',
      type: 'disk.low',
      level: 'warning',
      stream_id: null,
      reason: null,
      message: 'little room',
      data: {},
    },
  ]);
});

test('server-sent events resume after the last one that was seen, without a hole and without a repetition', async () => {
  await using fixture = await openApiFixture(open);
  emit(fixture, 700);
  const reader = await EventReader.open(fixture, '/api/v1/events', { 'last-event-id': '5' });
  assert.match(String(reader.response.headers['content-type']), /^text\/event-stream/);
  emit(fixture, 10);
  await reader.until(() => reader.ids.length >= 705);
  emit(fixture, 1);
  await reader.until(() => reader.ids.length >= 706);
  assert.deepEqual(
    reader.ids,
    Array.from({ length: 706 }, (_, index) => index + 6),
  );
  reader.close();
});

test('without an id to resume from only what happens from now on is sent, and only what was asked for', async () => {
  await using fixture = await openApiFixture(open);
  emit(fixture, 5);
  const reader = await EventReader.open(fixture, '/api/v1/events?type=disk.');
  await reader.until(() => reader.text.includes('retry'));
  emit(fixture, 1);
  emit(fixture, 1, 'disk.low');
  await reader.until(() => reader.ids.length >= 1);
  assert.deepEqual(reader.ids, [7]);
  const data = /^data: (.*)$/m.exec(reader.text)![1]!;
  assert.equal(JSON.parse(data).type, 'disk.low');
  reader.close();
});

test('a silent stream of events has a heartbeat, and ends when the token is revoked', async () => {
  await using fixture = await openApiFixture();
  const user = await fixture.deps.identity.users.add({ name: 'anna', password: 'long enough', role: 'admin' });
  const token = await fixture.deps.identity.tokens.create(user, { name: 'x' });
  const reader = await EventReader.open(fixture, '/api/v1/events', { authorization: `Bearer ${token.secret}` });
  await reader.until(() => reader.text.includes('retry'));
  fixture.clock.advance(15_000);
  await reader.until(() => reader.text.includes(': alive'));
  await fixture.deps.identity.tokens.revoke(token.id);
  await reader.until(() => false);
  assert.equal(reader.response.complete, true);
  assert.match(reader.text, /^: ACCESS_REVOKED /m);
});
