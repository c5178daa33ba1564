import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { type Browser, chromium, type Page } from 'playwright-core';

const root = join(import.meta.dirname, '..');
const credentials = { username: 'admin', password: 'p#s/s@1' };

let folder: string;
let server: ChildProcess;
let camera: Awaited<ReturnType<typeof startRtspCamera>>;
let browser: Browser;
let page: Page;
let link: string;
const complaints: string[] = [];

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** Address of one of the simulator's pictures. */
function address(name: 'main' | 'h265'): string {
  const url = camera.urls[name];
  assert.ok(url);
  return url;
}

/** Starts the server on its own port; resolves to the one-time set-up link that it prints. */
async function startServer(): Promise<string> {
  const port = await freePort();
  const file = join(folder, 'watchpost.toml');
  writeFileSync(
    file,
    `data_dir = "./data"\n[http]\nbind = "127.0.0.1:${port}"\n[protocols]\nenabled = ["hls", "fmp4", "rtsp"]\n`,
  );
  server = spawn(join(root, 'watchpost'), ['serve', '-c', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    let text = '';
    const read = (chunk: Buffer) => {
      text += String(chunk);
      const found = /http:\S+\/setup\?token=\S+/.exec(text);
      if (found) resolve(found[0]);
    };
    server.stdout?.on('data', read);
    server.stderr?.on('data', read);
    server.once('exit', () => reject(new Error(`the server ended: ${text}`)));
  });
}

/** True where the built console is newer than all that it is built from. */
function isBuilt(): boolean {
  const folder = join(root, 'packages/console');
  const built = statSync(join(folder, 'dist/index.html'), { throwIfNoEntry: false });
  if (built === undefined) return false;
  return ['src', 'public'].every((name) =>
    readdirSync(join(folder, name), { recursive: true, encoding: 'utf8' }).every(
      (file) => statSync(join(folder, name, file)).mtimeMs <= built.mtimeMs,
    ),
  );
}

before(async () => {
  if (!isBuilt()) {
    execFileSync('npm', ['run', 'build', '-w', '@watchpost/console'], { cwd: root, stdio: 'ignore' });
  }
  folder = mkdtempSync(join(tmpdir(), 'console-'));
  camera = await startRtspCamera({ host: '127.0.0.1', port: 0, auth: credentials });
  link = await startServer();
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      ...['--no-sandbox', '--headless=new', '--autoplay-policy=no-user-gesture-required'],
      // A microphone that beeps.
      ...['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
    ],
  });
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'en' });
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => complaints.push(String(error)));
});

after(async () => {
  await browser?.close();
  server?.kill('SIGTERM');
  await camera?.close();
  if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

/** A sum over the pixels of the picture that is on the screen; another picture has another. */
function pictureSum(selector: string): Promise<number> {
  return page.evaluate(`(() => {
    const canvas = document.createElement('canvas');
    canvas.width = 160;
    canvas.height = 90;
    const context = canvas.getContext('2d');
    context.drawImage(document.querySelector(${JSON.stringify(selector)}), 0, 0, 160, 90);
    const pixels = context.getImageData(0, 0, 160, 90).data;
    let sum = 0;
    for (let i = 0; i < pixels.length; i += 4) sum = (sum * 31 + pixels[i]) % 1000003;
    return sum;
  })()`);
}

/** Waits until an expression holds in the page; what the page itself may not evaluate, DevTools may. */
async function until(expression: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await page.evaluate(expression)) return;
    await page.waitForTimeout(100);
  }
  assert.fail(`never true: ${expression}`);
}

async function addCamera(url: string, title: string): Promise<void> {
  await page.goto(new URL('/add', link).href);
  await page.fill('[name=address]', url);
  await page.fill('[name=camera-user]', credentials.username);
  await page.fill('[name=camera-password]', credentials.password);
  await page.getByRole('button', { name: 'Look for video' }).click();
  await page.fill('[name=title]', title);
  await page.getByRole('button', { name: 'Save camera' }).click();
}

test('the one-time link makes an administrator who is logged in', async () => {
  await page.goto(link);
  await page.fill('[name=new-password]', 'a long enough one');
  await page.fill('[name=repeat-password]', 'a long enough one');
  await page.getByRole('button', { name: 'Create administrator' }).click();
  await page.getByRole('heading', { name: 'No cameras yet' }).waitFor();
});

test('a wrong password of the camera is explained', async () => {
  await page.goto(new URL('/add', link).href);
  await page.fill('[name=address]', address('main'));
  await page.fill('[name=camera-user]', credentials.username);
  await page.fill('[name=camera-password]', 'wrong');
  await page.getByRole('button', { name: 'Look for video' }).click();
  await page.getByText(/does not accept user and password|User or password not accepted/).waitFor();
});

test('a camera is added by address, user and password, and its live page opens', async () => {
  await addCamera(address('main'), 'Ворота');
  await page.waitForURL('**/streams/vorota');
  await page.locator('.player[data-phase=playing]').waitFor();
});

test('the live picture changes, and is less than two seconds old', async () => {
  const first = await pictureSum('.player[data-phase] video');
  await page.waitForTimeout(700);
  assert.notEqual(await pictureSum('.player[data-phase] video'), first);
  await page.waitForTimeout(3000);
  const latency = Number(await page.locator('.player[data-phase]').getAttribute('data-latency-ms'));
  assert.ok(latency > 0 && latency < 2000, `${latency} ms`);
});

test('the microphone is heard by the camera, and is free again afterwards', async () => {
  await page.getByRole('button', { name: 'Talk', exact: true }).click();
  await page.getByRole('button', { name: 'Stop talking' }).waitFor();
  await page.waitForTimeout(1500);
  await page.getByRole('button', { name: 'Stop talking' }).click();
  await page.getByRole('button', { name: 'Talk', exact: true }).waitFor();
  assert.ok(camera.heard.length >= 30, `${camera.heard.length} packets`);
  // Silence is 0xd5 in A-law (G.711 table 1a): the beeps are something else.
  const loud = camera.heard.flatMap(({ payload }) => [...payload]).filter((byte) => byte !== 0xd5 && byte !== 0x55);
  assert.ok(loud.length > 500, `${loud.length} samples that are no silence`);
});

test('the timeline shows what is recorded', async () => {
  await page.locator('.timeline:not([data-spans="0"])').waitFor();
  await page.waitForTimeout(8000);
});

test('ten seconds back plays the recording, and live comes back', async () => {
  await page.getByRole('button', { name: '10 seconds back' }).click();
  const recorded = page.locator('[data-recorded=playing]');
  await recorded.waitFor();
  const before = Number(await recorded.getAttribute('data-position-ms'));
  const first = await pictureSum('[data-recorded] video');
  await page.waitForTimeout(2000);
  const advanced = Number(await recorded.getAttribute('data-position-ms')) - before;
  assert.ok(advanced > 800 && advanced < 4000, `${advanced} ms`);
  assert.notEqual(await pictureSum('[data-recorded] video'), first);
  assert.ok(Math.abs(Date.now() - before) < 40_000);
  await page.getByRole('button', { name: 'Live', exact: true }).click();
  await page.locator('.player[data-phase=playing]').waitFor();
});

test('its last minutes are plotted, and a picture of the day leads to its moment', async () => {
  await until(`document.querySelector('.plots')?.getAttribute('data-samples') >= 8`);
  await page.getByRole('link', { name: 'Pictures of the day' }).click();
  await page.locator('.gallery img').first().waitFor();
  await until(`document.querySelector('.gallery img')?.naturalWidth > 0`);
  await page.locator('.gallery a').first().click();
  await page.locator('[data-recorded=playing]').waitFor();
});

test('a schedule is made and a camera recorded by it', async () => {
  await page.goto(new URL('/settings/schedules', link).href);
  await page.getByRole('button', { name: 'New schedule' }).click();
  await page.fill('[name=schedule-name]', 'office-hours');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'office-hours' }).waitFor();
  await page.goto(new URL('/streams/vorota/edit', link).href);
  await page.selectOption('[name=mode]', 'schedule');
  await page.selectOption('[name=schedule]', 'office-hours');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('By schedule: office-hours').waitFor();
});

test('the health page tells of the server and of each camera', async () => {
  await page.goto(new URL('/status', link).href);
  await page.getByText('CPU, of one core').waitFor();
  await page.locator('.health-list').getByRole('link', { name: 'Ворота' }).waitFor();
});

test('the API browser asks a route', async () => {
  await page.goto(new URL('/reference', link).href);
  await page.fill('[name=find]', 'storage');
  await page.locator('.route summary').first().click();
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.locator('.try pre').getByText('"backends"').waitFor();
});

test('H.265 that the browser cannot decode is said plainly', async () => {
  await addCamera(address('h265'), 'Yard');
  await page.waitForURL('**/streams/yard');
  const supported = await page.evaluate<boolean>(`MediaSource.isTypeSupported('video/mp4; codecs="hvc1.1.6.L93.B0"')`);
  if (supported) await page.locator('.player[data-phase=playing]').waitFor();
  else await page.getByText('This browser cannot show H.265 video').waitFor();
});

test('the grid shows both cameras, by keyboard, too', async () => {
  await page.goto(new URL('/', link).href);
  await page.locator('article[data-stream=vorota] .player[data-phase=playing]').waitFor();
  assert.equal(await page.locator('article').count(), 2);
  await page.locator('article[data-stream=vorota]').focus();
  await page.keyboard.press('Enter');
  await page.locator('article.tile-large[data-stream=vorota] .player[data-quality=main]').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('article[data-stream=yard]').waitFor();
});

test('logging out asks for the password again', async () => {
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.fill('[name=username]', 'admin');
  await page.fill('[name=password]', 'a long enough one');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('article').first().waitFor();
  assert.deepEqual(complaints, []);
});
