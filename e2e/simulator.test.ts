import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { readFrameNumber } from '@watchpost/simulator/frame-number.ts';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';

const run = promisify(execFile);
const auth = { username: 'admin', password: 'secret1' };
const withLogin = (url: string) => url.replace('rtsp://', 'rtsp://admin:secret1@');

/** Frame numbers that FFmpeg decodes from a stream within a time. */
async function framesOf(url: string, count: number): Promise<{ numbers: (number | undefined)[]; errors: string }> {
  const args = [
    '-v',
    'error',
    '-rtsp_transport',
    'tcp',
    '-i',
    url,
    '-frames:v',
    String(count),
    '-an',
    '-vf',
    'scale=320:180',
  ];
  const { stdout, stderr } = await run('ffmpeg', [...args, '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'], {
    encoding: 'buffer',
    maxBuffer: 1 << 28,
    timeout: 40_000,
  });
  const size = 320 * 180;
  const numbers = Array.from({ length: stdout.length / size }, (_, i) =>
    readFrameNumber(stdout.subarray(i * size, (i + 1) * size), 320, 180),
  );
  return { numbers, errors: stderr.toString() };
}

describe('virtual cameras', { concurrency: 2 }, () => {
  test('FFmpeg decodes consecutive frame numbers across a loop on every path', { timeout: 55_000 }, async () => {
    await using camera = await startRtspCamera({ port: 0, auth });
    const all = await Promise.all(Object.values(camera.urls).map((url) => framesOf(withLogin(url), 215)));
    for (const { numbers, errors } of all) {
      assert.equal(numbers.length, 215);
      assert.equal(errors, '');
      const first = numbers[0]!;
      assert.deepEqual(
        numbers,
        Array.from({ length: 215 }, (_, i) => (first + i) % 200),
      );
    }
    // The players have ended; the camera hears of the last one a moment later.
    for (let tries = 0; camera.sessionCount > 0 && tries < 50; tries++) await pause(100);
    assert.equal(camera.sessionCount, 0);
  });

  test('ffprobe sees the codecs of every path with Basic, MD5 and SHA-256 beside MD5', {
    timeout: 40_000,
  }, async () => {
    const expected: Record<string, string> = { main: 'h264,aac', sub: 'h264', h265: 'hevc,pcm_alaw', h265sub: 'h264' };
    await Promise.all(
      ([['basic'], ['MD5'], ['SHA-256', 'MD5']] as const).map(async (methods) => {
        await using camera = await startRtspCamera({ port: 0, auth: { ...auth, methods } });
        for (const [path, url] of Object.entries(camera.urls)) {
          const args = [
            '-v',
            'error',
            '-rtsp_transport',
            'tcp',
            '-show_entries',
            'stream=codec_name',
            '-of',
            'csv=p=0',
          ];
          const { stdout } = await run('ffprobe', [...args, withLogin(url)], { timeout: 20_000 });
          assert.equal(stdout.trim().split('\n').join(','), expected[path], `${path} with ${methods}`);
        }
      }),
    );
  });

  test('GStreamer plays every path over TCP', { timeout: 40_000 }, async () => {
    await using camera = await startRtspCamera({ port: 0, auth });
    const parsers: Record<string, string> = { main: 'h264', sub: 'h264', h265: 'h265', h265sub: 'h264' };
    await Promise.all(
      Object.entries(camera.urls).map(async ([path, url]) => {
        const codec = parsers[path]!;
        const pipeline = [
          'rtspsrc',
          `location=${url}`,
          'protocols=tcp',
          `user-id=${auth.username}`,
          `user-pw=${auth.password}`,
        ];
        const decode = [
          '!',
          `rtp${codec}depay`,
          '!',
          `${codec}parse`,
          '!',
          `avdec_${codec}`,
          '!',
          'fakesink',
          'num-buffers=60',
        ];
        const { stdout } = await run('gst-launch-1.0', ['-v', ...pipeline, ...decode], { timeout: 30_000 });
        assert.match(stdout, /fakesink0.*caps = video\/x-raw/, path);
      }),
    );
  });
});
