import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { type Browser, chromium, type Page } from 'playwright-core';
import { freePort } from './harness.ts';
import { TestAgentProcess } from './tunnel-harness.ts';

const root = join(import.meta.dirname, '..');
const credentials = { username: 'admin', password: 'p#s/s@1' };

let folder: string;
let server: ChildProcess;
let camera: Awaited<ReturnType<typeof startRtspCamera>>;
let browser: Browser;
let page: Page;
let link: string;
let rtspPort: number;
let rtmpPort: number;
const complaints: string[] = [];

/** Address of one of the simulator's pictures. */
function address(name: 'main' | 'sub' | 'h265'): string {
  const url = camera.urls[name];
  assert.ok(url);
  return url;
}

/** Starts the server on its own port; resolves to the one-time set-up link that it prints. */
async function startServer(): Promise<string> {
  const port = await freePort();
  rtspPort = await freePort();
  rtmpPort = await freePort();
  const file = join(folder, 'watchpost.toml');
  writeFileSync(
    file,
    `data_dir = "./data"
[http]
bind = "127.0.0.1:${port}"
[protocols]
enabled = ["hls", "fmp4", "rtsp", "rtmp"]
[protocols.rtsp]
bind = "127.0.0.1:${rtspPort}"
digest = true
[protocols.rtmp]
bind = "127.0.0.1:${rtmpPort}"
`,
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

/** What another program says. */
async function run(program: string, parameters: readonly string[]): Promise<string> {
  return (await promisify(execFile)(program, parameters, { timeout: 20_000 })).stdout;
}

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

/** What the API answers to the browser's own session. */
async function api<T>(path: string): Promise<T> {
  const answer = await page.request.get(new URL(`/api/v1${path}`, link).href);
  assert.ok(answer.ok(), `${path}: ${answer.status()}`);
  return (await answer.json()) as T;
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
  const places = () =>
    page.locator('.actions .button').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()));
  const before = await places();
  await page.getByRole('button', { name: 'Talk', exact: true }).click();
  await page.getByRole('button', { name: 'Stop talking' }).waitFor();
  // A second click in haste must not meet what stops the recording.
  assert.deepEqual(await places(), before);
  await page.waitForTimeout(1500);
  await page.getByRole('button', { name: 'Stop talking' }).click();
  await page.getByRole('button', { name: 'Talk', exact: true }).waitFor();
  assert.ok(camera.heard.length >= 30, `${camera.heard.length} packets`);
  // Silence is 0xd5 in A-law (G.711 table 1a): the beeps are something else.
  const loud = camera.heard.flatMap(({ payload }) => [...payload]).filter((byte) => byte !== 0xd5 && byte !== 0x55);
  assert.ok(loud.length > 500, `${loud.length} samples that are no silence`);
});

test('a new token is shown with an RTSP login, which opens the stream by Digest', async () => {
  await page.goto(new URL('/settings/tokens', link).href);
  await page.getByRole('button', { name: 'New token' }).click();
  await page.locator('.dialog input').first().fill('player');
  await page.locator('.dialog').getByRole('button', { name: 'New token' }).click();
  const lines = page.locator('.dialog .copy-line code');
  await lines.nth(2).waitFor();
  const [token, id, password] = await lines.allTextContents();
  assert.match(token ?? '', /^wp/);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy: Password' }).click();
  await page.getByRole('button', { name: 'Copied: Password' }).waitFor();
  assert.equal(await page.evaluate('navigator.clipboard.readText()'), password);
  const shown = await run('ffprobe', [
    ...['-v', 'error', '-rtsp_transport', 'tcp', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0'],
    `rtsp://${id}:${password}@127.0.0.1:${rtspPort}/live/vorota`,
  ]);
  assert.match(shown, /h264/);
});

test('a user may see one camera, and then move it, too', async () => {
  const guard = async () =>
    (await api<{ users: { name: string; role: string; streams: string[] | null }[] }>('/users')).users.find(
      ({ name }) => name === 'guard',
    );
  await page.goto(new URL('/settings/users', link).href);
  await page.getByRole('button', { name: 'Add user' }).click();
  await page.fill('[name=name]', 'guard');
  await page.fill('[name=password]', 'a long enough one');
  await page.selectOption('[name=role]', 'viewer');
  await page.getByRole('button', { name: 'Only these' }).click();
  await page.getByLabel('Ворота').check();
  await page.locator('.dialog').getByRole('button', { name: 'Add user' }).click();
  await page.getByText('guard', { exact: true }).waitFor();
  assert.deepEqual([(await guard())?.role, (await guard())?.streams], ['viewer', ['vorota']]);
  await page.getByRole('button', { name: /guard/ }).first().click();
  await page.selectOption('[name=role]', 'operator');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.dialog').waitFor({ state: 'detached' });
  assert.deepEqual([(await guard())?.role, (await guard())?.streams], ['operator', ['vorota']]);
});

test('an agent is let in by a token, told to show its log, and its camera becomes a stream', async () => {
  await page.goto(new URL('/settings/agents', link).href);
  await page.getByRole('button', { name: 'New token' }).click();
  await page.locator('.dialog').getByRole('button', { name: 'New token' }).click();
  const token = (await page.locator('.dialog .copy-line code').textContent()) ?? '';
  await page.keyboard.press('Escape');
  const { hostname, port, pathname } = new URL(address('main'));
  const login = { username: credentials.username, password: credentials.password };
  const seen = { name: 'dock', host: hostname, rtsp_port: Number(port), rtsp_path: pathname, ...login };
  await using agent = new TestAgentProcess(new URL('/tunnel', link).href.replace('http', 'ws'), {
    ...{ id: 'warehouse', token, config: { cameras: [seen] } },
  });
  agent.start();
  const card = page.locator('[data-agent=warehouse]');
  await card.getByText('Connected', { exact: true }).waitFor();
  await card.getByRole('button', { name: 'Log', exact: true }).click();
  await page.locator('.log', { hasText: 'Connected to the server' }).waitFor();
  await page.keyboard.press('Escape');
  await until(`document.activeElement?.textContent === 'Log'`);
  await card.getByRole('button', { name: 'Open a port' }).click();
  await page.fill('[name=port-number]', '22');
  await page.locator('.dialog [type=submit]').click();
  await page.getByText('not among the targets').waitFor();
  await page.keyboard.press('Escape');
  await card.getByRole('button', { name: 'Adopt' }).click();
  await page.locator('.dialog input').first().fill(credentials.username);
  await page.locator('.dialog [type=password]').fill(credentials.password);
  await page.locator('.dialog [type=submit]').click();
  await page.waitForURL('**/streams/warehouse-dock');
  await page.locator('.player[data-phase=playing]').waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.locator('.dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL(new URL('/', link).href);
});

test('the timeline shows what is recorded', async () => {
  await page.goto(new URL('/streams/vorota', link).href);
  await page.locator('.timeline:not([data-spans="0"])').waitFor();
  // Enough to go back in.
  const { since } = await api<{ since: string }>('/streams/vorota');
  await page.waitForTimeout(Math.max(0, Date.parse(since) + 16_000 - Date.now()));
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

test('a marked range is locked on the timeline, and unlocked', async () => {
  const locks = async () => (await api<{ locks: { note: string; start: string; end: string }[] }>(lockPath)).locks;
  const lockPath = '/recordings/vorota/locks';
  await page.getByRole('button', { name: '10 seconds back' }).click();
  await page.locator('[data-recorded=playing]').waitFor();
  await page.keyboard.press('[');
  await page.waitForTimeout(1500);
  await page.keyboard.press(']');
  await page.getByRole('button', { name: 'Lock', exact: true }).click();
  await page.fill('[name=lock-note]', 'broken window');
  await page.locator('.dialog').getByRole('button', { name: 'Lock', exact: true }).click();
  await page.getByText('1 locked range').click();
  await page.getByText('broken window').waitFor();
  const [lock, ...others] = await locks();
  assert.deepEqual([lock?.note, others], ['broken window', []]);
  const seconds = (Date.parse(lock?.end ?? '') - Date.parse(lock?.start ?? '')) / 1000;
  assert.ok(seconds > 0.5 && seconds < 4, `${seconds} s`);
  await page.getByRole('button', { name: 'Unlock' }).click();
  await page.getByText('broken window').waitFor({ state: 'detached' });
  assert.deepEqual(await locks(), []);
});

test('its last minutes are plotted, and a picture of the day leads to its moment', async () => {
  await until(`document.querySelector('.plots')?.getAttribute('data-samples') >= 8`);
  await page.getByRole('link', { name: 'Pictures of the day' }).click();
  await page.locator('.gallery img').first().waitFor();
  await until(`document.querySelector('.gallery img')?.naturalWidth > 0`);
  const everyMinute = page.locator('button', { hasText: '1 min' });
  await everyMinute.click();
  await page.locator('.gallery a').first().click();
  await page.locator('[data-recorded=playing]').waitFor();
  await page.goBack();
  await page.locator('.gallery a').first().waitFor();
  assert.equal(await everyMinute.getAttribute('aria-pressed'), 'true');
});

/** Paints Saturday and Sunday from noon on; then two fingers rest on the week, which paints nothing. */
async function paintWithFingers(): Promise<void> {
  const week = page.getByRole('application', { name: 'Week' });
  await week.scrollIntoViewIfNeeded();
  const box = await week.boundingBox();
  assert.ok(box);
  const at = (id: number, day: number, hour: number) => ({
    id,
    x: box.x + (box.width * (hour + 0.1)) / 24,
    y: box.y + (box.height * (day + 0.5)) / 7,
  });
  const session = await page.context().newCDPSession(page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...touchPoints: ReturnType<typeof at>[]) =>
    session.send('Input.dispatchTouchEvent', { type, touchPoints });
  await touch('touchStart', at(1, 5, 12));
  await touch('touchMove', at(1, 6, 23.5));
  assert.equal(await page.locator('.week-told').textContent(), 'Sat–Sun 12:00–24:00, Always');
  await touch('touchEnd');
  const painted = await week.innerHTML();
  await touch('touchStart', at(1, 0, 2));
  await touch('touchStart', at(1, 0, 2), at(2, 3, 6));
  await touch('touchMove', at(1, 0, 2), at(2, 4, 7));
  await touch('touchEnd');
  assert.equal(await week.innerHTML(), painted);
  await session.detach();
}

test('a schedule is made and a camera recorded by it', async () => {
  await page.goto(new URL('/settings/schedules', link).href);
  await page.getByRole('button', { name: 'New schedule' }).click();
  await page.fill('[name=schedule-name]', 'office-hours');
  await paintWithFingers();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'office-hours' }).waitFor();
  await page.goto(new URL('/streams/vorota/edit', link).href);
  await page.selectOption('[name=mode]', 'schedule');
  await page.selectOption('[name=schedule]', 'office-hours');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('By schedule: office-hours').waitFor();
  const { schedules } = await api<{ schedules: { name: string; ranges: unknown[] }[] }>('/schedules');
  assert.deepEqual([schedules[0]?.name, (schedules[0]?.ranges.length ?? 0) > 0], ['office-hours', true]);
  const { recording } = await api<{ recording: { mode: string; schedule: string } }>('/streams/vorota');
  assert.deepEqual([recording.mode, recording.schedule], ['schedule', 'office-hours']);
});

test('a camera gets a further address, which then becomes its first, with the login that it has', async () => {
  interface Sources {
    source_url: string;
    fallback_urls: string[];
    state: string;
  }
  const [main, sub] = [address('main'), address('sub')];
  const edit = async () => page.goto(new URL('/streams/vorota/edit', link).href);
  const field = (place: number) => page.getByLabel(`Addresses of the main quality ${place}`);
  const save = async () => {
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL('**/streams/vorota');
  };
  await edit();
  await page.getByRole('button', { name: 'Add a further address' }).click();
  await field(2).fill(sub);
  await save();
  let known = await api<Sources>('/streams/vorota');
  assert.deepEqual([known.source_url, known.fallback_urls], [main, [sub]]);
  await edit();
  assert.equal(await field(2).inputValue(), sub);
  await page.getByRole('button', { name: 'Move address 2 up' }).click();
  await save();
  await page.getByText('Online').first().waitFor();
  known = await api<Sources>('/streams/vorota');
  assert.deepEqual([known.source_url, known.fallback_urls, known.state], [sub, [main], 'online']);
});

test('an encoder finds on the page of its stream where to send it, and with which token', async () => {
  const add = async (name: string, place: string) => {
    await page.goto(new URL('/add', link).href);
    await page.getByRole('button', { name: 'Receive from an encoder' }).click();
    await page.fill('[name=title]', name);
    await page.fill('[name=publish-path]', place);
    await page.getByRole('button', { name: 'Save camera' }).click();
  };
  await add('Stage', 'studio/one');
  await page.waitForURL('**/streams/stage');
  await page.getByRole('button', { name: 'Make a token for it' }).click();
  const shown = (label: string) =>
    page.locator('.copy-line', { hasText: label }).locator('code', { hasText: '?token=' }).textContent();
  assert.match((await shown('RTMP stream key')) ?? '', /^one\?token=/);
  const url = await shown('RTMP address');
  const encoder = spawn('ffmpeg', [
    ...['-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=s=320x180:r=10', '-t', '20'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-f', 'flv', url ?? ''],
  ]);
  try {
    await page.locator('.player[data-phase=playing]').waitFor();
  } finally {
    encoder.kill('SIGKILL');
  }
  await add('Second', 'studio/one');
  await page.getByText('Another stream is published there').waitFor();
  await page.goto(new URL('/streams/stage/edit', link).href);
  await page.fill('[name=publish-path]', 'studio/two');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.copy-line', { hasText: '/studio/two' }).waitFor();
  assert.equal((await api<{ publish_path: string }>('/streams/stage')).publish_path, 'studio/two');
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.locator('.dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL(new URL('/', link).href);
});

test('a stream that its publisher made is kept by a button, and is edited and deleted then', async () => {
  const made = await page.request.post(new URL('/api/v1/tokens', link).href, {
    data: { name: 'drone', role: 'operator' },
    headers: { origin: new URL(link).origin },
  });
  const { token } = (await made.json()) as { token: string };
  const encoder = spawn('ffmpeg', [
    ...['-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=s=320x180:r=10', '-t', '20'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10'],
    ...['-f', 'flv', `rtmp://127.0.0.1:${rtmpPort}/live/drone?token=${token}`],
  ]);
  try {
    await page.goto(new URL('/', link).href);
    await page.locator('[data-stream=drone]').getByRole('link', { name: 'drone' }).click();
    const keep = page.getByRole('button', { name: 'Keep as a stream' });
    await keep.waitFor();
    assert.equal(await page.getByRole('link', { name: 'Edit' }).count(), 0);
    await keep.click();
    await page.getByRole('link', { name: 'Edit' }).click();
    await page.fill('[name=title]', 'Drone');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.player[data-phase=playing]').waitFor();
  } finally {
    encoder.kill('SIGKILL');
  }
  await page.getByText('Waits for a publisher').first().waitFor();
  await page.goto(new URL('/status', link).href);
  await page.getByText('1 waits for a publisher').waitFor();
  assert.equal(await page.getByText('Camera offline:').count(), 0);
  await page.goto(new URL('/streams/drone', link).href);
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.locator('.dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL(new URL('/', link).href);
});

test('the health page tells of the server and of each camera', async () => {
  await page.goto(new URL('/status', link).href);
  await page.getByText('CPU, of one core').waitFor();
  await page.locator('.health-list').getByRole('link', { name: 'Ворота' }).waitFor();
});

test('what could not be asked while the server was away is asked again by itself', async () => {
  await page.route('**/api/v1/**', (route) => route.abort());
  await page.goto(new URL('/settings/users', link).href);
  const lost = page.getByRole('alert').getByText('The server does not answer');
  await lost.waitFor();
  await page.unroute('**/api/v1/**');
  await page.getByText('guard', { exact: true }).waitFor();
  await page.route('**/api/v1/**', (route) => route.abort());
  await page.getByRole('link', { name: 'API tokens' }).click();
  await lost.first().waitFor();
  await page.unroute('**/api/v1/**');
  await page.getByText('player', { exact: true }).waitFor();
  await lost.waitFor({ state: 'detached' });
});

test('a recording goes on where it was once the server is back', async () => {
  await page.goto(new URL('/streams/vorota', link).href);
  await page.getByRole('button', { name: '10 seconds back' }).click();
  await page.locator('[data-recorded=playing]').waitFor();
  const position = async () => Number(await page.locator('[data-recorded]').getAttribute('data-position-ms'));
  await page.route('**', (route) => route.abort());
  await page.locator('[data-recorded=failed]').getByText('The server does not answer').waitFor();
  const left = await position();
  await page.unroute('**');
  await page.locator('[data-recorded=playing]').waitFor();
  await until(`document.querySelector('[data-recorded]').dataset.positionMs > ${left}`);
  assert.ok((await position()) - left < 10_000, `${await position()} after ${left}`);
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
  await page.locator('article[data-stream=vorota] .player').click();
  await page.locator('article.tile-large').waitFor();
  await page.goBack();
  await page.locator('article[data-stream=yard]').waitFor();
});

test('cameras are found by what they are called, and the address keeps it', async () => {
  await page.goto(new URL('/?find=YARD', link).href);
  await page.locator('article[data-stream=yard]').waitFor();
  assert.equal(await page.locator('article').count(), 1);
  const find = page.getByRole('searchbox', { name: 'Find cameras' });
  await find.fill('vor');
  await page.locator('article[data-stream=vorota]').waitFor();
  assert.equal(await page.locator('article').count(), 1);
  assert.equal(new URL(page.url()).searchParams.get('find'), 'vor');
  await find.fill('nowhere');
  await page.getByText('No camera is called “nowhere”').waitFor();
  await page.locator('body').click();
  await page.keyboard.press('/');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('vorota');
  await page.locator('article[data-stream=vorota] .player').click();
  await page.locator('article.tile-large').waitFor();
  await page.keyboard.press('Escape');
  await find.waitFor();
  assert.equal(await find.inputValue(), 'vorota');
});

test('twelve tabs of one browser do not wait for each other', async () => {
  const context = await browser.newContext({ storageState: await page.context().storageState(), locale: 'en' });
  try {
    const tabs = await Promise.all(Array.from({ length: 12 }, () => context.newPage()));
    await Promise.all(tabs.map((tab) => tab.goto(new URL('/events', link).href)));
    await Promise.all(tabs.map((tab) => tab.getByRole('heading', { name: 'Events' }).first().waitFor()));
    // All of them hold by now what they hold for good.
    await page.waitForTimeout(1000);
    const ask = `fetch('/api/v1/session', { signal: AbortSignal.timeout(10_000) }).then(({ status }) => status, String)`;
    const answers = await Promise.all(tabs.map((tab) => tab.evaluate(ask)));
    assert.deepEqual(answers, Array(12).fill(200));
  } finally {
    await context.close();
  }
});

test('what was being typed when the session ended is there again after the log-in, and for nobody else', async () => {
  const endSession = async () => {
    const { sessions } = await api<{ sessions: { id: string; current: boolean }[] }>('/sessions');
    const own = sessions.find(({ current }) => current);
    await page.request.delete(new URL(`/api/v1/sessions/${own?.id}`, link).href, {
      headers: { origin: new URL(link).origin },
    });
    await page.getByText('Your session has ended').waitFor();
  };
  const logIn = async (name: string) => {
    await page.fill('[name=username]', name);
    await page.locator('[name=password]:visible').fill('a long enough one');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('button', { name: 'Log out' }).waitFor();
  };
  await page.goto(new URL('/settings/users', link).href);
  await page.getByRole('button', { name: 'Add user' }).click();
  await page.keyboard.type('second-admin');
  await endSession();
  await logIn('admin');
  assert.equal(await page.locator('.dialog [name=name]').inputValue(), 'second-admin');
  await page.locator('.dialog [name=password]').fill('a long enough one');
  await page.locator('.dialog').getByRole('button', { name: 'Add user' }).click();
  await page.locator('.dialog').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Add user' }).click();
  await page.keyboard.type('not-for-others');
  await endSession();
  await logIn('second-admin');
  assert.equal(await page.locator('.dialog').count(), 0);
  await page.goto(new URL('/', link).href);
});

test('logging out asks for the password again', async () => {
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.fill('[name=username]', 'admin');
  await page.fill('[name=password]', 'a long enough one');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('article').first().waitFor();
  assert.deepEqual(complaints, []);
});
