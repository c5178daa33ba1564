import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { lastingGrant } from '../hub/grant.ts';
import { TestGrant } from '../hub/test-grant.ts';
import { dialTcp } from '../net/dial.ts';
import { CameraPages, type CameraPagesOptions, type PageViewer } from './camera-pages.ts';
import { AddressTranslation } from './page-addresses.ts';
import { answerHeaders, requestHeaders } from './page-headers.ts';

const viewer: PageViewer = { hostname: '127.0.0.1', admit: async () => lastingGrant };

function openPages(clock: ManualClock, more: Partial<CameraPagesOptions> = {}): CameraPages {
  const dial = ({ host, port }: { host: string; port: number }) => dialTcp({ host, port });
  return new CameraPages({ bind: '127.0.0.1', port: 0, maxPorts: 4, clock, dial, ...more });
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A camera's web server that says what it was asked. */
async function openCamera(answer?: Answer) {
  const say: Answer = (request, response) => {
    if (request.url === '/move') {
      response.writeHead(302, { location: `http://${request.headers.host}/there?x=1` }).end();
      return;
    }
    response.writeHead(200, { 'set-cookie': ['sid=1; Domain=cam; Secure', 'watchpost_session=evil'], 'x-a': 'b' });
    let body = '';
    request.on('data', (data) => {
      body += data;
    });
    request.on('end', () => response.end(JSON.stringify({ ...request.headers, url: request.url, body })));
  };
  const server = createServer(answer ?? say);
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n');
    socket.write('Set-Cookie: watchpost_session=evil\r\nSet-Cookie: sid=2\r\n\r\n');
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return { port, [Symbol.asyncDispose]: async () => void server.close().closeAllConnections() };
}

/** The cookie and the origin of a page whose link was followed. */
async function followed(pages: CameraPages, port: number, who = viewer) {
  const { url } = await pages.link({ agentId: 'gate', host: '127.0.0.1', port }, who);
  const { headers } = await fetch(url, { redirect: 'manual' });
  return { base: new URL(url).origin, cookie: headers.get('set-cookie')!.split(';')[0]! };
}

test("a camera's page is seen by whoever has its link, once, and without anything of ours", async () => {
  await using camera = await openCamera();
  const clock = new ManualClock();
  await using pages = openPages(clock);
  const target = { agentId: 'gate', host: '127.0.0.1', port: camera.port };
  const { url } = await pages.link(target, viewer);
  const base = new URL(url).origin;
  assert.equal((await fetch(base)).status, 401);
  const first = await fetch(url, { redirect: 'manual' });
  assert.equal(first.status, 303);
  const cookie = first.headers.get('set-cookie')!.split(';')[0]!;
  assert.match(first.headers.get('set-cookie')!, /HttpOnly; SameSite=Lax$/);
  assert.equal((await fetch(url, { redirect: 'manual' })).status, 401);
  const own = { cookie: `${cookie}; watchpost_session=secret; lang=de`, origin: base, referer: `${base}/old?x` };
  const answer = await fetch(`${base}/a?b=c`, { method: 'POST', body: 'hello', headers: own });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  const seen = JSON.parse(text) as Record<string, string>;
  const authority = `127.0.0.1:${camera.port}`;
  assert.deepEqual(
    [seen['host'], seen['origin'], seen['referer'], seen['cookie'], seen['url'], seen['body']],
    [authority, `http://${authority}`, `http://${authority}/old?x`, 'lang=de', '/a?b=c', 'hello'],
  );
  assert.deepEqual(answer.headers.getSetCookie(), ['sid=1']);
  const moved = await fetch(`${base}/move`, { headers: { cookie }, redirect: 'manual' });
  assert.equal(moved.headers.get('location'), '/there?x=1');
  clock.stepWall(2 * 3_600_000);
  assert.equal((await fetch(base, { headers: { cookie } })).status, 200, 'the clock of the machine was set ahead');
  clock.stepWall(-4 * 3_600_000);
  clock.advance(3_600_001);
  assert.equal((await fetch(base, { headers: { cookie } })).status, 401);
});

test('tokens of ours and addresses of ours do not get as far as the camera; its own login does', async () => {
  const translation = new AddressTranslation({ host: '192.0.2.1', port: 80 }, 'http://watch:9553');
  const basic = (password: string) => `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;
  for (const [authorization, isSent] of [
    ['Bearer wp_secret', false],
    ['bearer  wps_secret', false],
    [basic('wp_secret'), false],
    [basic('pass'), true],
    ['Bearer camera', true],
    ['Digest username="admin"', true],
  ] as const) {
    const headers = { authorization, referer: 'http://watch:8080/secret', origin: 'http://watch:8080' };
    const sent = requestHeaders(headers, translation, false);
    assert.deepEqual(
      [sent['authorization'], sent['referer'], sent['origin']],
      [isSent ? authorization : undefined, undefined, undefined],
    );
  }
});

test('a link is worth nothing after a minute', async () => {
  const clock = new ManualClock();
  await using pages = openPages(clock);
  const { url } = await pages.link({ agentId: 'a', host: 'b', port: 80 }, viewer);
  clock.advance(60_001);
  assert.equal((await fetch(url, { redirect: 'manual' })).status, 401);
});

test('a page ends for whoever has lost the right to it', async () => {
  await using camera = await openCamera();
  await using pages = openPages(new ManualClock());
  let may = true;
  const { base, cookie } = await followed(pages, camera.port, {
    ...viewer,
    admit: async () => (may ? lastingGrant : undefined),
  });
  assert.equal((await fetch(base, { headers: { cookie } })).status, 200);
  may = false;
  assert.equal((await fetch(base, { headers: { cookie } })).status, 401);
  may = true;
  assert.equal((await fetch(base, { headers: { cookie } })).status, 401, 'the cookie is worth nothing for ever');
});

test('what is under way of a page, a download and a WebSocket, is cut when the right to it ends, as far as the camera', async () => {
  const closed: string[] = [];
  await using camera = await openCamera((request, response) => {
    response.on('close', () => closed.push(request.url!));
    if (request.url === '/short') response.end('short');
    else response.writeHead(200, { 'content-length': 1_000_000 }).write('begin');
  });
  await using pages = openPages(new ManualClock());
  const grant = new TestGrant();
  const { base, cookie } = await followed(pages, camera.port, { ...viewer, admit: async () => grant });
  assert.equal(await (await fetch(`${base}/short`, { headers: { cookie } })).text(), 'short');
  const download = await fetch(`${base}/long`, { headers: { cookie } });
  const upgrade = { connection: 'Upgrade', upgrade: 'echo', cookie, origin: base };
  const socket = raw(base, 'GET /ws HTTP/1.1', upgrade);
  for (let tries = 0; tries < 200 && grant.watched < 2; tries++) await new Promise((done) => setTimeout(done, 10));
  assert.equal(grant.watched, 2, 'what is over is watched no longer');
  grant.withdraw();
  await assert.rejects(download.text());
  await socket;
  for (let tries = 0; tries < 200 && closed.length < 2; tries++) await new Promise((done) => setTimeout(done, 10));
  assert.deepEqual(closed, ['/short', '/long']);
});

test('each camera has an origin of its own, and no page uses that of another', async () => {
  await using camera = await openCamera();
  await using other = await openCamera();
  await using pages = openPages(new ManualClock());
  const page = await followed(pages, camera.port);
  const next = await followed(pages, other.port);
  assert.notEqual(next.base, page.base);
  const both = `${page.cookie}; ${next.cookie}`;
  assert.equal((await fetch(next.base, { headers: { cookie: page.cookie } })).status, 401);
  for (const [headers, status] of [
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }, 403],
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }, 403],
    [{ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }, 200],
    [{ 'sec-fetch-site': 'same-origin', 'service-worker': 'script' }, 403],
    [{ host: 'rebound.example' }, 401],
  ] as const)
    assert.equal(await statusOf(next.base, { ...headers, cookie: both }), status, JSON.stringify(headers));
});

/** By a request that may say any `Host` and `Sec-Fetch-Site`. */
async function statusOf(base: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return Number(/^HTTP\/1\.1 (\d+)/.exec(await raw(base, 'GET / HTTP/1.1', headers))?.[1]);
}

async function raw(base: string, line: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const { host, hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  const fields = Object.entries({ host, connection: 'close', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.write(`${line}\r\n${fields.join('')}\r\n`);
  let text = '';
  for await (const data of socket) text += String(data);
  return text;
}

test('with an address for pages each camera has a host name of its own', async () => {
  await using camera = await openCamera();
  await using pages = openPages(new ManualClock(), { address: 'https://*.cameras.example' });
  const link = (port: number) => pages.link({ agentId: 'gate', host: '127.0.0.1', port }, viewer);
  const [one, again, other] = [await link(camera.port), await link(camera.port), await link(1)].map(
    ({ url }) => new URL(url).host,
  );
  assert.match(one!, /^c[0-9a-f]{16}\.cameras\.example$/);
  assert.equal(again, one);
  assert.notEqual(other, one);
});

test('of too many pages the one that was linked to longest ago is closed', async () => {
  await using camera = await openCamera();
  await using pages = openPages(new ManualClock(), { maxPorts: 2 });
  const first = await followed(pages, camera.port);
  for (const port of [1, 2]) await pages.link({ agentId: 'gate', host: '127.0.0.1', port }, viewer);
  await assert.rejects(fetch(first.base, { headers: { cookie: first.cookie } }));
});

test('two who ask for the page of a camera at once get links to one listener', async () => {
  await using camera = await openCamera();
  const port = await freePorts(2);
  await using pages = openPages(new ManualClock(), { port });
  const link = () => pages.link({ agentId: 'gate', host: '127.0.0.1', port: camera.port }, viewer);
  for (const { url } of await Promise.all([link(), link()])) {
    assert.equal(new URL(url).port, String(port));
    assert.equal((await fetch(url, { redirect: 'manual' })).status, 303);
  }
  assert.equal(await isListening(port + 1), false);
});

test('fewer pages, and names in the place of ports, count for the next link', async () => {
  await using camera = await openCamera();
  const port = await freePorts(4);
  await using pages = openPages(new ManualClock(), { port });
  const open = [await followed(pages, camera.port)];
  for (const host of ['localhost', '127.0.0.2']) {
    await pages.link({ agentId: 'gate', host, port: camera.port }, viewer);
  }
  const isOpen = () =>
    fetch(open[0]!.base, { headers: { cookie: open[0]!.cookie } }).then(
      () => true,
      () => false,
    );
  pages.configure({ maxPorts: 2 });
  assert.equal(await isOpen(), true);
  const link = (target: string) => pages.link({ agentId: 'gate', host: target, port: camera.port }, viewer);
  assert.equal(new URL((await link('127.0.0.3')).url).port, String(port));
  const ports = await Promise.all([0, 1, 2, 3].map((i) => isListening(port + i)));
  assert.deepEqual(ports, [true, false, true, false]);

  pages.configure({ maxPorts: 2, address: `http://*.cameras.example:${port}` });
  const named = new URL((await link('127.0.0.1')).url);
  const answer = await ask(port, [`GET ${named.pathname}${named.search} HTTP/1.1`, `Host: ${named.host}`]);
  assert.match(answer, /^HTTP\/1\.1 303 /);
  const cookie = `Cookie: ${/set-cookie: ([^;]+)/i.exec(answer)![1]}`;
  pages.configure({ maxPorts: 2 });
  assert.equal(new URL((await link('127.0.0.1')).url).port, String(port + 1));
  assert.match(await ask(port, ['GET / HTTP/1.1', `Host: ${named.host}`, cookie]), /^HTTP\/1\.1 200 /);
});

async function isListening(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  const isThere = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isThere;
}

/** The first of so many ports in a row that nobody has. */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = 28_750 + Math.floor(Math.random() * (250 - count));
    const taken = await Promise.all(Array.from({ length: count }, (_, i) => isListening(first + i)));
    if (!taken.includes(true)) return first;
  }
}

async function ask(port: number, lines: readonly string[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`);
  let text = '';
  for await (const data of socket) text += String(data);
  return text;
}

test('a camera that cannot be reached is said to be so', async () => {
  await using pages = openPages(new ManualClock(), { dial: () => Promise.reject(new Error('gone')) });
  const { base, cookie } = await followed(pages, 80);
  assert.equal((await fetch(base, { headers: { cookie } })).status, 502);
});

test('nothing that a browser asks, or a camera answers, ends the server', async () => {
  const answers = [
    'HTTP/1.1 099 Odd\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX-Odd: \u0001\u0002\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\nno gzip at all',
    'HTTP/1.1 302 Found\r\nLocation: https://[\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort',
    'nothing of the kind',
    '',
  ];
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => socket.end(answers[Number(/\/(\d+)/.exec(data.toString())?.[1] ?? 0)] ?? ''));
  }).listen(0, '127.0.0.1');
  await using _closing = { [Symbol.asyncDispose]: async () => void server.close() };
  await once(server, 'listening');
  await using pages = openPages(new ManualClock());
  const { base, cookie } = await followed(pages, (server.address() as { port: number }).port);
  for (let i = 0; i < answers.length; i++) {
    const answer = await raw(base, `GET /${i} HTTP/1.1`, { cookie });
    assert.match(answer, /^(HTTP\/1\.1 (200|302|502) |$)/, answers[i]);
    await raw(base, `GET /${i} HTTP/1.1`, { cookie, origin: base, connection: 'Upgrade', upgrade: 'x' });
  }
  for (const line of [
    'GET // HTTP/1.1',
    'GET http://x/ HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    'GET /?watchpost_page= HTTP/1.1',
  ])
    for (const more of [{}, { cookie }]) assert.match(await raw(base, line, more), /^HTTP\/1\.1 \d/, line);
});

test('an upgrade is passed on for the page itself only, and what comes with it has nothing of ours', async () => {
  await using camera = await openCamera();
  await using pages = openPages(new ManualClock());
  const { base, cookie } = await followed(pages, camera.port);
  const upgrade = { connection: 'Upgrade', upgrade: 'echo', cookie };
  assert.match(await raw(base, 'GET /ws HTTP/1.1', { ...upgrade, origin: 'http://evil' }), /^HTTP\/1\.1 403/);
  assert.match(await raw(base, 'GET /ws HTTP/1.1', { ...upgrade, origin: base, cookie: '' }), /^HTTP\/1\.1 401/);
  const { hostname, port, host } = new URL(base);
  const socket = connect(Number(port), hostname);
  const fields = Object.entries({ ...upgrade, host, origin: base }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET /ws HTTP/1.1\r\n${fields.join('')}\r\nhello`);
  let text = '';
  for await (const data of socket) {
    text += String(data);
    if (text.endsWith('hello')) break;
  }
  assert.match(text, /^HTTP\/1\.1 101 .*\r\n\r\nhello$/s);
  assert.match(text, /set-cookie: sid=2\r\n/);
  assert.doesNotMatch(text, /evil/);
});

test('what a camera says of its own address is true for the browser, and what it says of others stays', () => {
  const place = { host: '192.0.2.1', port: 80 };
  const translation = new AddressTranslation(place, 'https://cam.example');
  const asked = requestHeaders(
    { upgrade: 'websocket', connection: 'Upgrade', cookie: 'watchpost_page=1' },
    translation,
    true,
  );
  assert.deepEqual(asked, { host: '192.0.2.1', connection: 'Upgrade', upgrade: 'websocket' });
  for (const [location, expected] of [
    ['https://elsewhere/', 'https://elsewhere/'],
    ['http://192.0.2.1', '/'],
    ['http://192.0.2.1:80/a?b', '/a?b'],
    ['http://192.0.2.1//evil', '/evil'],
    ['http://192.0.2.10/', 'http://192.0.2.10/'],
    ['https://192.0.2.1/login', '/login'],
    ['https://192.0.2.1:8443/', '/'],
    ['next', 'next'],
  ] as const)
    assert.equal(answerHeaders({ location }, translation)['location'], expected);
  assert.deepEqual(translation.secured('https://192.0.2.1/login'), { ...place, port: 443, tls: true });
  assert.equal(translation.secured('https://192.0.2.9/'), undefined);
  const sent = answerHeaders(
    { 'strict-transport-security': 'x', 'set-cookie': ['a=1; Secure; SameSite=None'], 'content-security-policy': 'x' },
    translation,
  );
  assert.equal(sent['strict-transport-security'], undefined);
  assert.deepEqual(sent['set-cookie'], ['a=1; Secure; SameSite=None']);
  assert.match(String(sent['content-security-policy']), /^x, default-src 'self' .* wss:\/\/cam\.example;/);
});

test('addresses in a text are translated wherever it is cut', async () => {
  const translation = new AddressTranslation({ host: '192.0.2.1', port: 81 }, 'https://watch:9553');
  const text = [
    '<a href="http://192.0.2.1:81/x"> HTTP://192.0.2.1:81 ws://192.0.2.1:81/w "http:\\/\\/192.0.2.1:81\\/j"',
    'src=//192.0.2.1:81/p rtsp://192.0.2.1:81/ http://192.0.2.1/ http://192.0.2.1:8100/ http://192.0.2.10:81/ \xe9',
    'http://192.0.2.1:81.example/ http://192.0.2.1:81',
  ].join('\n');
  const expected = [
    '<a href="https://watch:9553/x"> HTTPs://watch:9553 wss://watch:9553/w "https:\\/\\/watch:9553\\/j"',
    'src=//watch:9553/p rtsp://192.0.2.1:81/ http://192.0.2.1/ http://192.0.2.1:8100/ http://192.0.2.10:81/ \xe9',
    'http://192.0.2.1:81.example/ https://watch:9553',
  ].join('\n');
  assert.equal(translation.translate(text), expected);
  const bytes = Buffer.from(text, 'latin1');
  for (let size = 1; size <= bytes.length; size++) {
    const stream = translation.stream();
    for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
    stream.end();
    const passed = Buffer.concat(await stream.toArray()).toString('latin1');
    assert.equal(passed, expected, `cut into pieces of ${size}`);
  }
});
