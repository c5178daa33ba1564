import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { type Browser, chromium, type Page } from 'playwright-core';
import { startTestServer, type TestServer, wait } from './harness.ts';

const frameMs = 40;
const loopMs = 8000;
let camera: RtspCamera;
let server: TestServer;
let browser: Browser;
let page: Page;

interface Watched {
  readonly error: string;
  readonly firstPictureMs: number;
  readonly firstNumber: number;
  readonly number: number;
  readonly shownAtMs: number;
}

before(async () => {
  camera = await startRtspCamera({ port: 0 });
  server = await startTestServer({ cameras: [{ id: 'gate', url: camera.urls['main']! }] });
  await server.waitFor('gate', 'online', 8000);
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  });
  page = await (await browser.newContext({ bypassCSP: true })).newPage();
  await page.goto(`${server.base}/health`);
  await page.addScriptTag({ path: join(import.meta.dirname, 'frame-number-page.js') });
  // The browser's decoder starts with the first picture that it ever sees.
  await watch(200);
});
after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
  await camera?.close();
});

function watch(playMs: number): Promise<Watched> {
  return page.evaluate(`watchFrameNumber('${server.base.replace('http', 'ws')}/fmp4/gate', ${playMs})`);
}

/** How old the shown picture is, within a loop of the clip. */
function behindMs({ number, shownAtMs }: Watched): number {
  const zeroAtMs = performance.timeOrigin + performance.now() - camera.positionMs('main');
  return (((shownAtMs - zeroAtMs - number * frameMs) % loopMs) + loopMs) % loopMs;
}

test('a new viewer sees the present at once, and two seconds later the present of then', { timeout: 40_000 }, () =>
  server.guard(async () => {
    for (let viewer = 0; viewer < 3; viewer++) {
      await wait(700 * viewer);
      const watched = await watch(2000);
      assert.equal(watched.error, '');
      assert.ok(watched.firstPictureMs >= 0 && watched.firstPictureMs < 1000, JSON.stringify(watched));
      const played = ((watched.number - watched.firstNumber + 200) % 200) * frameMs;
      assert.ok(watched.firstNumber >= 0 && played > 1500 && played < 4000, JSON.stringify(watched));
      assert.ok(behindMs(watched) < 1000, `${behindMs(watched)} ms behind: ${JSON.stringify(watched)}`);
    }
  }),
);

test('the console offers no logging out where nobody logs in', { timeout: 20_000 }, () =>
  server.guard(async () => {
    const console = await browser.newPage();
    await console.goto(server.base);
    await console.getByText('anybody').waitFor();
    assert.equal(await console.getByRole('button', { name: 'Log out' }).count(), 0);
    await console.close();
  }),
);

test('a page of another site sees no camera, though no login is needed', { timeout: 20_000 }, () =>
  server.guard(async () => {
    const { port } = new URL(server.base);
    const foreign = await (await browser.newContext()).newPage();
    const site = createServer((_request, response) => void response.end('another site'));
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    await foreign.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    site.close();
    const asked = (path: string) =>
      foreign.evaluate(`new Promise((resolve) => {
        const socket = new WebSocket('ws://127.0.0.1:${port}${path}');
        socket.onopen = () => resolve('open');
        socket.onerror = () => resolve('refused');
      })`);
    for (const path of ['/fmp4/gate', '/flv/gate.flv', '/api/v1/streams/gate/talk'])
      assert.equal(await asked(path), 'refused', path);
    const status = (path: string) =>
      foreign.evaluate(`fetch('http://127.0.0.1:${port}${path}').then(async (answer) => (await answer.json()).code)`);
    for (const path of ['/hls/gate/index.m3u8', '/flv/gate.flv', '/fmp4/gate', '/mjpeg/gate'])
      assert.equal(await status(path), 'CROSS_SITE', path);
  }),
);
