import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { WebSocketServer } from 'ws';
import { administrator, freePort, startTestServer, type TestServer } from './harness.ts';
import { enrolmentToken, TestAgentProcess, tunnelOnce } from './tunnel-harness.ts';

// The web page of a camera behind an agent, in Chromium: Digest login, absolute links, redirects, cookies, a form, a
// WebSocket, gzip, a large download; and what neither the page nor the camera may get at.

const download = randomBytes(4_000_000);
const login = { username: 'admin', password: 'cam#pass' };
const stack = new AsyncDisposableStack();
let server: TestServer;
let browser: Browser;
let cameraPort = 0;
/** All that the camera was ever told in headers. */
const told: string[] = [];

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

function isLoggedIn({ method, headers: { authorization = '' } }: IncomingMessage): boolean {
  const field = (name: string) => new RegExp(`[ ,]${name}="?([^",]*)`).exec(authorization)?.[1] ?? '';
  const middle = `n1:${field('nc')}:${field('cnonce')}:auth`;
  const ha1 = md5(`${login.username}:cam:${login.password}`);
  return field('response') === md5(`${ha1}:${middle}:${md5(`${method}:${field('uri')}`)}`);
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  told.push(JSON.stringify(request.headers));
  const own = `http://127.0.0.1:${cameraPort}`;
  if (!isLoggedIn(request)) {
    response.writeHead(401, { 'www-authenticate': 'Digest realm="cam", nonce="n1", qop="auth"' }).end('log in');
    return;
  }
  const html = (text: string) => response.writeHead(200, { 'content-type': 'text/html' }).end(text);
  switch (request.url) {
    case '/':
      response.writeHead(302, { location: `${own}/home`, 'set-cookie': 'sid=7; Domain=127.0.0.1' }).end();
      return;
    case '/home':
      html(`<title>camera</title><script src="${own}/app.js"></script><a id="next" href="${own}/next?a=1">next</a>
        <form method="post" action="${own}/save"><input name="zoom" value="3"><button>save</button></form>`);
      return;
    case '/app.js':
      response.writeHead(200, { 'content-type': 'text/javascript', 'content-encoding': 'gzip' });
      response.end(gzipSync(`globalThis.socketUrl = "ws://127.0.0.1:${cameraPort}/live"; globalThis.loaded = true;`));
      return;
    case '/next?a=1':
      html(`<title>next</title>${request.headers.cookie ?? ''}`);
      return;
    case '/save': {
      let body = '';
      request.on('data', (data) => {
        body += data;
      });
      request.on('end', () => html(`<title>saved</title>${body}`));
      return;
    }
    case '/record.bin':
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': download.length });
      response.end(download);
      return;
    default:
      response.writeHead(404).end();
  }
}

before(async () => {
  const camera = createServer(answer);
  const sockets = new WebSocketServer({ server: camera, path: '/live' });
  sockets.on('connection', (socket, request) => {
    told.push(JSON.stringify(request.headers));
    socket.on('message', (data) => socket.send(`you said ${data}`));
  });
  await new Promise<void>((resolve) => camera.listen(0, '127.0.0.1', resolve));
  stack.defer(() => {
    for (const socket of sockets.clients) socket.terminate();
    camera.close().closeAllConnections();
  });
  cameraPort = (camera.address() as AddressInfo).port;
  const more = `[tunnel]\nfirst_port = ${await freePort()}\npage_port = ${await freePort()}\npage_bind = "127.0.0.1"`;
  [server, browser] = await Promise.all([
    startTestServer({ auth: 'required', more }),
    chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--headless=new'] }),
  ]);
  stack.use(server);
  stack.defer(() => browser.close());
  await server.setUp();
  const agent = new TestAgentProcess(`${server.base.replace('http', 'ws')}/tunnel`, {
    id: 'gate',
    token: await enrolmentToken(server),
    config: { cameras: [{ name: 'cam', host: '127.0.0.1', rtsp_port: 1, ports: [cameraPort] }] },
  });
  stack.use(agent).start();
  await tunnelOnce(server, 'gate', { is: ({ status }) => status === 'connected' });
});
after(() => stack.disposeAsync());

function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  const json = { 'content-type': 'application/json', ...headers };
  return fetch(`${server.base}/api/v1${path}`, { method: 'POST', headers: json, body: JSON.stringify(body) });
}

/** A browser in which the administrator is logged in. */
async function openBrowser(): Promise<BrowserContext> {
  const context = await browser.newContext({ httpCredentials: login });
  const answered = await context.request.post(`${server.base}/api/v1/login`, {
    data: administrator,
    headers: { origin: server.base },
  });
  assert.ok(answered.ok(), await answered.text());
  return context;
}

async function link(context: BrowserContext): Promise<string> {
  const answered = await context.request.post(`${server.base}/api/v1/agents/gate/page`, {
    data: { port: cameraPort },
    headers: { origin: server.base },
  });
  assert.equal(answered.status(), 201, await answered.text());
  return ((await answered.json()) as { url: string }).url;
}

test("a camera's page works in Chromium as it does beside the camera, and neither gets at anything of ours", {
  timeout: 40_000,
}, async () => {
  const context = await openBrowser();
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(await link(context));
  const origin = new URL(page.url()).origin;
  assert.notEqual(origin, server.base);
  assert.equal(page.url(), `${origin}/home`);
  assert.equal(await page.evaluate('loaded'), true, 'a packed script of an absolute address');
  assert.equal(await page.evaluate('document.cookie'), 'sid=7', 'cookies of the camera, none of ours');
  const heard = await page.evaluate(`new Promise((resolve, reject) => {
    const socket = new WebSocket(socketUrl);
    socket.onopen = () => socket.send('hello');
    socket.onmessage = ({ data }) => resolve(data);
    socket.onerror = () => reject(new Error('no WebSocket to ' + socketUrl));
  })`);
  assert.equal(heard, 'you said hello');
  const hash = await page.evaluate(`fetch('/record.bin').then((answer) => answer.arrayBuffer()).then(async (bytes) => {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  })`);
  assert.equal(hash, createHash('sha256').update(download).digest('hex'));
  for (const script of [
    `fetch('${server.base}/api/v1/streams', { credentials: 'include' })`,
    `fetch('${server.base}/api/v1/agents/gate', { method: 'DELETE', credentials: 'include', mode: 'no-cors' })`,
    `new Promise((resolve, reject) => { const socket = new WebSocket('${server.base.replace('http', 'ws')}/tunnel');
      socket.onopen = resolve; socket.onerror = () => reject(new Error('refused')); })`,
    "navigator.serviceWorker.register('/app.js')",
  ])
    await assert.rejects(page.evaluate(script), script);
  await page.click('#next');
  assert.equal(page.url(), `${origin}/next?a=1`);
  assert.equal(await page.textContent('body'), 'sid=7');
  await page.goBack();
  await page.click('button');
  assert.deepEqual([page.url(), await page.textContent('body')], [`${origin}/save`, 'zoom=3']);
  assert.ok(told.length > 5);
  for (const headers of told) assert.doesNotMatch(headers, /watchpost|wps_|wp_/i);
  const isCut = page.evaluate(`new Promise((resolve, reject) => {
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/live');
    socket.onopen = () => socket.send('I stay');
    socket.onmessage = () => { document.title = 'open'; };
    socket.onclose = () => resolve(document.title === 'open');
  })`);
  await page.waitForFunction('document.title === "open"');
  const logout = await context.request.post(`${server.base}/api/v1/logout`, { headers: { origin: server.base } });
  assert.ok(logout.ok(), await logout.text());
  const late = new Promise((resolve) => setTimeout(resolve, 2000, 'open after 2 s'));
  assert.equal(await Promise.race([isCut, late]), true, 'logged out, what is open of the page is cut');
  assert.equal((await page.goto(`${origin}/home`))?.status(), 401, 'logged out, the page is gone');
  await context.close();
});

test('nobody without a login, and nobody without the right, gets a link', async () => {
  assert.equal((await post('/agents/gate/page', { port: cameraPort })).status, 401);
  const viewer = { name: 'eve', password: 'another password' };
  const asAdmin = { authorization: `Bearer ${server.token}` };
  const added = await post('/users', { ...viewer, role: 'viewer' }, asAdmin);
  assert.equal(added.status, 201, await added.text());
  const session = (await post('/login', viewer)).headers.getSetCookie()[0]!.split(';')[0]!;
  const refused = await post('/agents/gate/page', { port: cameraPort }, { cookie: session, origin: server.base });
  assert.equal(refused.status, 403);
  const forbidden = await post('/agents/gate/page', { port: 22 }, asAdmin);
  const { url } = (await forbidden.json()) as { url: string };
  const { headers } = await fetch(url, { redirect: 'manual' });
  const cookie = headers.get('set-cookie')!.split(';')[0]!;
  const answered = await fetch(new URL(url).origin, { headers: { cookie } });
  assert.equal(answered.status, 502);
  assert.match(await answered.text(), /allow/, 'the agent itself refuses what its configuration does not name');
});
