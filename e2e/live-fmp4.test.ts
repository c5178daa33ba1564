import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { lastingGrant } from '@watchpost/server/hub/grant.ts';
import { type Browser, chromium } from 'playwright-core';
import WebSocket from 'ws';
import { LiveServer, makeClip, wait } from './live-harness.ts';

const server = new LiveServer();
let browser: Browser;
let base = '';

before(async () => {
  server.http.app.get('/page', (_request, reply) => reply.type('text/html').send('<!doctype html><body></body>'));
  await server.listen();
  base = `ws://127.0.0.1:${server.port}/fmp4`;
  await server.cameras({
    aac: { audio: 'aac', seconds: 50, gop: 50 },
    g711: { audio: 'pcma', seconds: 50, gop: 50 },
  });
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  });
  await wait(1000);
});
after(async () => {
  await browser?.close();
  await server[Symbol.asyncDispose]();
});

interface PageResult {
  readonly texts: readonly string[];
  readonly firstPictureMs: number;
  readonly mime: string;
  readonly supported: boolean;
  readonly error: string;
  readonly frames: number;
  readonly soundBytes: number;
  readonly ranges: readonly (readonly [number, number])[];
}

async function playInPage(id: string, playMs: number): Promise<PageResult> {
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  try {
    await page.goto(`http://127.0.0.1:${server.port}/page`);
    await page.addScriptTag({ path: join(import.meta.dirname, 'live-fmp4-page.js') });
    return (await page.evaluate(`playFmp4('${base}/${id}', ${playMs})`)) as PageResult;
  } finally {
    await context.close();
  }
}

for (const id of ['aac', 'g711']) {
  test(`Chromium shows live H.264 with ${id} sound over WebSocket, at once`, async () => {
    const result = await playInPage(id, 3000);
    assert.equal(result.error, '');
    assert.equal(result.supported, true, result.mime);
    assert.ok(result.frames > 50, JSON.stringify(result));
    assert.ok(result.soundBytes > 1000, JSON.stringify(result));
    assert.ok(
      result.firstPictureMs > 0 && result.firstPictureMs < 300,
      `first picture after ${result.firstPictureMs} ms`,
    );
    assert.equal(result.ranges.length, 1, JSON.stringify(result));
    assert.ok(result.texts.filter((type) => type === 'clock').length >= 3, JSON.stringify(result.texts));
  });
}

/** Messages of a plain WebSocket client: JSON as it is, media as their length. */
function listen(id: string): { socket: WebSocket; messages: (number | Record<string, unknown>)[] } {
  const socket = new WebSocket(`${base}/${id}`);
  const messages: (number | Record<string, unknown>)[] = [];
  socket.on('message', (data: Buffer, isBinary) => messages.push(isBinary ? data.length : JSON.parse(data.toString())));
  socket.on('error', () => {});
  return { socket, messages };
}

test('a camera that goes and comes back is told; the socket stays open and goes on', async () => {
  const clip = await makeClip({ audio: 'pcmu', seconds: 10, gop: 25 });
  const first = await server.camera('comes', clip);
  await wait(300);
  const { socket, messages } = listen('comes');
  await wait(500);
  first.stop();
  const stream = server.hub.get('comes')!;
  stream.setState('offline', new WatchpostError('The camera sent nothing', { kind: 'timeout', code: 'SOURCE_SILENT' }));
  await wait(300);
  await server.camera('comes', clip);
  await wait(800);
  const types = messages.filter((message) => typeof message !== 'number').map((message) => message['type']);
  assert.deepEqual(
    types.filter((type) => type !== 'clock'),
    ['init', 'offline', 'online', 'discontinuity'],
  );
  const offline = messages.find((message) => typeof message !== 'number' && message['type'] === 'offline');
  assert.deepEqual(offline, {
    type: 'offline',
    reason: { kind: 'timeout', code: 'SOURCE_SILENT', message: 'The camera sent nothing' },
  });
  assert.equal(typeof messages.at(-1), 'number');
  await server.hub.remove('comes');
  const code = await new Promise((resolve) => socket.on('close', resolve));
  assert.equal(code, 4404);
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** In buffers that somebody still refers to. */
function bytesKept(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

test('one viewer that reads nothing costs 99 others nothing', async () => {
  const clip = await makeClip({ seconds: 10, gop: 25, bitrate: '8M', size: '1280x720' });
  await server.camera('big', clip);
  await wait(300);
  const stuck = connect(server.port, '127.0.0.1');
  stuck.on('error', () => {});
  stuck.write(
    'GET /fmp4/big HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  stuck.pause();
  const viewers = Array.from({ length: 99 }, () => listen('big'));
  await wait(3000);
  const keptBefore = bytesKept();
  await wait(8000);
  const counts = viewers.map(({ messages }) => messages.filter((message) => typeof message === 'number').length);
  const dropped = viewers.flatMap(({ messages }) =>
    messages.filter((message) => typeof message !== 'number' && message['type'] === 'dropped'),
  );
  for (const { socket } of viewers) socket.terminate();
  assert.equal(dropped.length, 0);
  assert.ok(Math.min(...counts) > 230, `the slowest got ${Math.min(...counts)} messages`);
  const grownMb = (bytesKept() - keptBefore) / 1e6;
  assert.ok(grownMb < 40, `memory grew by ${grownMb} MB`);
  stuck.destroy();
});

test('who may not watch gets an HTTP answer with the reason, and unknown streams 404', async () => {
  const status = (id: string) =>
    new Promise((resolve) => {
      const socket = new WebSocket(`${base}/${id}`);
      socket.on('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (data) => {
          body += data;
        });
        response.on('end', () => resolve([response.statusCode, JSON.parse(body).code]));
      });
      socket.on('error', () => {});
    });
  assert.deepEqual(await status('nobody'), [404, 'STREAM_NOT_FOUND']);
  server.access = {
    authorize: async () => {
      throw new WatchpostError('Log in first', { kind: 'unauthenticated', code: 'LOGIN_NEEDED' });
    },
  };
  assert.deepEqual(await status('aac'), [401, 'LOGIN_NEEDED']);
  server.access = { authorize: async () => lastingGrant };
});

test('a stream is muxed only while somebody watches it', async () => {
  await wait(200);
  assert.equal(server.live.active, 0);
});
