import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { dialTcp } from '../net/dial.ts';
import { CameraPages } from './camera-pages.ts';
import { answerHeaders, requestHeaders } from './page-headers.ts';

/** A camera's web server that says what it was asked. */
async function openCamera() {
  const server = createServer((request, response) => {
    if (request.url === '/move') {
      response.writeHead(302, { location: `http://${request.headers.host}/there?x=1` }).end();
      return;
    }
    response.writeHead(200, { 'set-cookie': ['sid=1; Domain=cam', 'watchpost_session=evil'], 'x-a': 'b' });
    let body = '';
    request.on('data', (data) => {
      body += data;
    });
    request.on('end', () => response.end(JSON.stringify({ ...request.headers, url: request.url, body })));
  });
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return { port, [Symbol.asyncDispose]: async () => void server.close().closeAllConnections() };
}

test("a camera's page is seen by whoever has its link, once, and without anything of ours", async () => {
  await using camera = await openCamera();
  const clock = new ManualClock();
  const target = { agentId: 'gate', host: '127.0.0.1', port: camera.port };
  await using pages = new CameraPages({
    bind: '127.0.0.1',
    port: 0,
    clock,
    dial: ({ host, port }) => dialTcp({ host, port }),
  });
  const { url } = await pages.link(target, '127.0.0.1');
  const base = new URL(url).origin;
  assert.equal((await fetch(base)).status, 401);
  const first = await fetch(url, { redirect: 'manual' });
  assert.equal(first.status, 303);
  const cookie = first.headers.get('set-cookie')!.split(';')[0]!;
  assert.match(first.headers.get('set-cookie')!, /HttpOnly; SameSite=Strict/);
  assert.equal((await fetch(url, { redirect: 'manual' })).status, 401);
  const headers = { cookie: `${cookie}; watchpost_session=secret; lang=de`, origin: base };
  const answer = await fetch(`${base}/a?b=c`, { method: 'POST', body: 'hello', headers });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  const seen = JSON.parse(text) as Record<string, string>;
  const authority = `127.0.0.1:${camera.port}`;
  assert.deepEqual(
    [seen['host'], seen['origin'], seen['cookie'], seen['url'], seen['body']],
    [authority, `http://${authority}`, 'lang=de', '/a?b=c', 'hello'],
  );
  assert.deepEqual(answer.headers.getSetCookie(), ['sid=1']);
  const moved = await fetch(`${base}/move`, { headers: { cookie }, redirect: 'manual' });
  assert.equal(moved.headers.get('location'), '/there?x=1');
  clock.advance(3_600_001);
  assert.equal((await fetch(base, { headers: { cookie } })).status, 401);
});

test('a link is worth nothing after a minute', async () => {
  const clock = new ManualClock();
  await using pages = new CameraPages({
    bind: '127.0.0.1',
    port: 0,
    clock,
    dial: () => Promise.reject(new Error('no')),
  });
  const { url } = await pages.link({ agentId: 'a', host: 'b', port: 80 }, '127.0.0.1');
  clock.advance(60_001);
  assert.equal((await fetch(url, { redirect: 'manual' })).status, 401);
});

test('a camera that cannot be reached is said to be so', async () => {
  const clock = new ManualClock();
  await using pages = new CameraPages({
    bind: '127.0.0.1',
    port: 0,
    clock,
    dial: () => Promise.reject(new Error('gone')),
  });
  const { url } = await pages.link({ agentId: 'a', host: 'b', port: 80 }, '127.0.0.1');
  const { headers } = await fetch(url, { redirect: 'manual' });
  const answer = await fetch(new URL(url).origin, { headers: { cookie: headers.get('set-cookie')!.split(';')[0]! } });
  assert.equal(answer.status, 502);
});

test('an upgrade is passed on', () => {
  const place = { host: '192.0.2.1', port: 80 };
  const asked = requestHeaders(
    { upgrade: 'websocket', connection: 'Upgrade', cookie: 'watchpost_page=1' },
    place,
    true,
  );
  assert.deepEqual(asked, { host: '192.0.2.1', connection: 'Upgrade', upgrade: 'websocket' });
  assert.deepEqual(answerHeaders({ 'strict-transport-security': 'x', location: 'https://elsewhere/' }, place), {
    location: 'https://elsewhere/',
  });
});
