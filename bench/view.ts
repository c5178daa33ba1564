/**
 * A viewer in Chromium over WebSocket, opened at random moments of the GOP: ms from opening the socket to the first
 * decoded picture, and how far the shown picture is behind the camera's 2 s later.
 *
 *   node bench/view.ts [--viewers 15]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { chromium } from 'playwright-core';
import { reportFigures } from './budgets.ts';
import { median, pause } from './measure.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({ options: { viewers: { type: 'string', default: '15' } } });
const port = 18082;
const frameMs = 40;
const loopMs = 8000;
const playMs = 2000;

interface Watched {
  readonly error: string;
  readonly firstPictureMs: number;
  readonly number: number;
  readonly shownAtMs: number;
  readonly stalls: number;
}

await using camera = await startRtspCamera({ port: 0 });
await using _server = await startServer({ urls: [camera.urls['main']!], record: false, port });
/** When a picture with number 0 was due, of the wall clock. */
const zeroAtMs = performance.timeOrigin + performance.now() - camera.positionMs('main');
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
});
try {
  const page = await (await browser.newContext({ bypassCSP: true })).newPage();
  await page.goto(`http://127.0.0.1:${port}/health`);
  await page.addScriptTag({ path: join(import.meta.dirname, '../e2e/frame-number-page.js') });
  // The first one warms the browser's decoder up.
  await watch();
  const seen: Watched[] = [];
  for (let i = 0; i < Number(values.viewers); i++) {
    await pause(Math.random() * 2000);
    seen.push(await watch());
  }
  const first = seen.map(({ firstPictureMs }) => firstPictureMs).sort((a, b) => a - b);
  const behind = seen.map(behindMs).sort((a, b) => a - b);
  console.log(`first picture, ms: ${first.map((ms) => ms.toFixed(0)).join(' ')}`);
  console.log(`behind after ${playMs} ms, ms: ${behind.map((ms) => ms.toFixed(0)).join(' ')}`);
  reportFigures('view', {
    first_picture_ms: median(first),
    first_picture_worst_ms: first.at(-1)!,
    behind_after_2s_seconds: median(behind) / 1000,
    behind_worst_seconds: behind.at(-1)! / 1000,
    stalls: seen.reduce((sum, { stalls }) => sum + stalls, 0),
  });

  async function watch(): Promise<Watched> {
    const watched = (await page.evaluate(`watchFrameNumber('ws://127.0.0.1:${port}/fmp4/cam0', ${playMs})`)) as Watched;
    if (watched.error !== '' || watched.number < 0) throw new Error(`no picture: ${JSON.stringify(watched)}`);
    return watched;
  }
} finally {
  await browser.close();
}

/** How old the shown picture is: since it was due at the camera. */
function behindMs({ number, shownAtMs }: Watched): number {
  return (((shownAtMs - zeroAtMs - number * frameMs) % loopMs) + loopMs) % loopMs;
}
