// HTTPS comes and goes on the port of HTTP while the server runs, and players must not notice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { startTestServer, wait } from './harness.ts';
import { run } from './live-harness.ts';
import { assertConsecutive, numbersOf } from './live-numbers.ts';
import { ffmpegPlays } from './rtmp-bench.ts';

const testdata = new URL('../packages/server/src/net/testdata/', import.meta.url).pathname;
const tls = (name: string) => `tls = { cert = "${testdata}${name}.crt", key = "${testdata}${name}.key" }\n`;
const playedFrames = 200;

test('HTTP becomes HTTPS and HTTP again by reloads, under players of both', { timeout: 90_000 }, async () => {
  await using camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  await using server = await startTestServer({ cameras: [{ id: 'gate', url: camera.urls.main! }] });
  await server.guard(async () => {
    await server.waitFor('gate', 'online', 15_000);
    const bind = /^bind = .*\n/m.exec(server.configuration)![0];
    const flv = `${server.base}/flv/gate.flv`;
    const overTls = (path: string, ...more: readonly string[]) =>
      run('curl', ['-sSk', '-m', '10', ...more, `${server.base.replace('http:', 'https:')}${path}`]);

    const overHttp = ffmpegPlays(flv, playedFrames);
    await wait(2000);
    const { applied, restart } = await server.change((before) => before.replace(bind, bind + tls('first')));
    assert.deepEqual([applied, restart], [['http.tls'], []]);
    assert.match(await overTls('/health', '-w', '%{http_version}'), /"status":"ok".*2$/s);
    // The connection that asked for the reload may ask once more.
    await fetch(`${server.base}/health`).catch(() => {});
    await assert.rejects(fetch(`${server.base}/health`));

    const overHttps = ffmpegPlays(flv.replace('http:', 'https:'), playedFrames);
    await wait(2000);
    server.rewrite((before) => before.replace(tls('first'), tls('none')));
    const refused = JSON.parse(await overTls('/api/v1/config/reload', '-X', 'POST'));
    assert.match(refused.warnings.at(-1), /^http\.tls: the certificate file ".*none\.crt" cannot be read/);
    server.rewrite((before) => before.replace(tls('none'), ''));
    await overTls('/api/v1/config/reload', '-X', 'POST');
    assert.equal((await server.stream('gate')).state, 'online');

    for (const { stdout, stderr } of await Promise.all([overHttp, overHttps])) {
      assert.equal(stderr, '');
      assertConsecutive(numbersOf(stdout), playedFrames, 'FFmpeg');
    }
  });
});
