/** Pictures of every page in Chromium, for people to look at: `node test/screenshots.ts FOLDER [WORD]`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { MockServer } from './mock-server.ts';

type Look = { theme: 'dark' | 'light'; width: number; height: number; language: 'en' | 'zh' | 'ru' };
interface Shot {
  readonly name: string;
  readonly path: string;
  readonly state?: Partial<MockServer['state']>;
  act?(page: Page): Promise<void>;
}

const shots: readonly Shot[] = [
  { name: 'setup', path: '/setup?token=abc', state: { setUp: false } },
  { name: 'login', path: '/', state: { loggedIn: false } },
  { name: 'empty', path: '/', state: { empty: true } },
  { name: 'live', path: '/', act: (page) => page.waitForTimeout(2500) },
  {
    name: 'enlarged',
    path: '/',
    act: async (page) => {
      await page.locator('article').nth(1).click();
      await page.waitForTimeout(2500);
    },
  },
  { name: 'help', path: '/', act: (page) => page.keyboard.press('?') },
  {
    name: 'stream',
    path: '/streams/vorota',
    act: async (page) => {
      await page.locator('.gap-list summary').click();
      await page.waitForTimeout(2000);
      await page.locator('.timeline').hover({ position: { x: 90, y: 50 } });
    },
  },
  {
    name: 'figures',
    path: '/streams/vorota',
    act: async (page) => {
      await page.waitForTimeout(9000);
      await page.locator('.figures').scrollIntoViewIfNeeded();
      await page
        .locator('.plot-area')
        .first()
        .hover({ position: { x: 200, y: 50 } });
    },
  },
  {
    name: 'doctor',
    path: '/streams/vorota',
    act: async (page) => {
      await page.locator('.doctor button').click();
      await page.locator('.doctor').scrollIntoViewIfNeeded();
      await page.waitForTimeout(500);
    },
  },
  { name: 'offline', path: '/streams/yard' },
  { name: 'calendar', path: '/streams/vorota', act: (page) => page.locator('[aria-haspopup=dialog]').click() },
  {
    name: 'add',
    path: '/add',
    act: async (page) => {
      await page.locator('[name=address]').fill('192.0.2.64');
      await page.locator('button[type=submit]').click();
      await page.locator('[name=title]').fill('Ворота');
    },
  },
  {
    name: 'add-failed',
    path: '/add',
    act: async (page) => {
      await page.locator('[name=address]').fill('bad.example');
      await page.locator('button[type=submit]').click();
      await page.locator('.notice-error').waitFor();
    },
  },
  { name: 'edit', path: '/streams/vorota/edit' },
  { name: 'delete', path: '/streams/vorota', act: (page) => page.locator('.button-danger').click() },
  { name: 'events', path: '/events' },
  { name: 'storage', path: '/storage' },
  { name: 'status', path: '/status', act: (page) => page.waitForTimeout(4500) },
  { name: 'settings', path: '/settings' },
  { name: 'settings-viewer', path: '/settings', state: { role: 'viewer' } },
  { name: 'schedules', path: '/settings/schedules' },
  {
    name: 'schedule-edit',
    path: '/settings/schedules',
    act: async (page) => {
      await page.locator('.schedule .button').first().click();
      await page.locator('.brushes button').nth(2).click();
      const box = await page.locator('.week[data-editable] .week-rows').boundingBox();
      if (!box) return;
      await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.2);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.5);
      await page.mouse.up();
    },
  },
  { name: 'edit-schedule', path: '/streams/yard/edit' },
  {
    name: 'lock',
    path: '/streams/vorota',
    act: async (page) => {
      await page.locator('.export-bar button').nth(1).click();
      await page.keyboard.press('ArrowLeft');
      await page.waitForTimeout(500);
      await page.locator('.export-bar button').nth(0).click();
      await page.locator('.lock-list summary').click();
      await page.locator('.lock-list').scrollIntoViewIfNeeded();
    },
  },
  { name: 'gallery', path: '/streams/vorota/pictures' },
  {
    name: 'reference',
    path: '/reference',
    act: async (page) => {
      await page.locator('[name=find]').fill('stats');
      await page.locator('.route summary').first().click();
      await page.locator('.try [type=submit]').click();
    },
  },
  { name: 'agents', path: '/settings/agents' },
  {
    name: 'agent-adopt',
    path: '/settings/agents',
    act: (page) => page.locator('.agent .tokens .button').nth(1).click(),
  },
  {
    name: 'agent-log',
    path: '/settings/agents',
    act: (page) => page.locator('.agent-actions .button').nth(1).click(),
  },
  { name: 'add-published', path: '/add', act: (page) => page.locator('.add-ways button').nth(1).click() },
  {
    name: 'targets',
    path: '/streams/vorota',
    act: (page) => page.locator('.details .health-list').scrollIntoViewIfNeeded(),
  },
  {
    name: 'edit-push',
    path: '/streams/vorota/edit',
    act: (page) => page.locator('.url-list').last().scrollIntoViewIfNeeded(),
  },
  { name: 'users', path: '/settings/users' },
  {
    name: 'user-add',
    path: '/settings/users',
    act: async (page) => {
      await page.locator('.card-head .button').click();
      await page.locator('[name=name]').fill('boris');
      await page.locator('[name=role]').selectOption('operator');
      await page.locator('.dialog .segmented button').nth(1).click();
      await page.locator('.camera-list input').first().check();
    },
  },
  { name: 'tokens', path: '/settings/tokens' },
  { name: 'token-add', path: '/settings/tokens', act: (page) => page.locator('.card-head .button').click() },
  { name: 'sessions', path: '/settings/sessions' },
  { name: 'audit', path: '/settings/audit' },
  { name: 'stream-viewer', path: '/streams/vorota', state: { role: 'viewer' } },
];

const looks: readonly Look[] = [
  { theme: 'dark', width: 1360, height: 850, language: 'en' },
  { theme: 'light', width: 1360, height: 850, language: 'ru' },
  { theme: 'dark', width: 390, height: 844, language: 'ru' },
  { theme: 'light', width: 390, height: 844, language: 'zh' },
];

async function take(
  browser: Browser,
  options: { server: MockServer; address: string; shot: Shot; look: Look; folder: string },
): Promise<void> {
  const { server, address, shot, look, folder } = options;
  Object.assign(server.state, { role: 'admin', setUp: true, loggedIn: true, empty: false }, shot.state);
  const context = await browser.newContext({
    viewport: { width: look.width, height: look.height },
    hasTouch: look.width < 500,
    locale: look.language,
    timezoneId: 'Europe/Berlin',
  });
  await context.addInitScript((chosen) => {
    localStorage.setItem('watchpost.theme', chosen.theme);
    localStorage.setItem('watchpost.language', chosen.language);
  }, look);
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(shot.name, String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('401')) console.error(shot.name, message.text());
  });
  await page.goto(address + shot.path, { waitUntil: 'load' });
  await page.waitForTimeout(600);
  await shot.act?.(page);
  await page.waitForTimeout(250);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) console.error(`${shot.name} is ${wide} px wider than ${look.width}`);
  await page.screenshot({ path: join(folder, `${shot.name}-${look.width}-${look.theme}-${look.language}.png`) });
  await context.close();
}

const [folder = 'screenshots', word = ''] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
await using server = new MockServer();
const address = await server.listen();
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--headless=new', '--autoplay-policy=no-user-gesture-required'],
});
for (const shot of shots.filter(({ name }) => name.includes(word))) {
  for (const look of looks) await take(browser, { server, address, shot, look, folder });
}
await browser.close();
