import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { freePort, wait } from './harness.ts';
import { assertConsecutive, numbersOf, runningProgram } from './live-numbers.ts';
import { ffmpegPlays, RtmpBench } from './rtmp-bench.ts';
import { TestAgentProcess } from './tunnel-harness.ts';

const stack = new AsyncDisposableStack();
let bench: RtmpBench;
let nginxPort = 0;

const nginxUrl = (path: string) => `rtmp://127.0.0.1:${nginxPort}/${path}`;

/** nginx with its RTMP module: `live` is what others publish, `up` goes on to us, `down` is pulled from us. */
async function startNginx(): Promise<void> {
  nginxPort = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'watchpost-nginx-'));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  const ours = `rtmp://127.0.0.1:${bench.port}/live`;
  writeFileSync(
    join(dir, 'nginx.conf'),
    `load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error.log warn;
events { worker_connections 256; }
rtmp { access_log off; server { listen 127.0.0.1:${nginxPort}; chunk_size 4096;
  application live { live on; }
  application up { live on; push ${ours}/by-nginx?token=abc.def; }
  application down { live on; pull ${ours}/sub?token=abc.def name=sub static; }
} }
`,
  );
  stack.use(
    runningProgram('/usr/sbin/nginx', ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')]),
  );
  await wait(500);
}

before(async () => {
  bench = stack.use(await RtmpBench.open());
  await bench.online('sub');
  await startNginx();
});
after(() => stack.disposeAsync());

/** A camera of the simulator, published by FFmpeg. */
const publish = (camera: string, url: string) => {
  const copy = ['-v', 'error', '-rtsp_transport', 'tcp', '-i', bench.camera.urls[camera]!, '-c', 'copy', '-f', 'flv'];
  return runningProgram('ffmpeg', [...copy, url], { quiet: true });
};

describe('RTMP with nginx', { concurrency: 4 }, () => {
  test('what somebody publishes at nginx is pulled and played, with its sound', { timeout: 45_000 }, async () => {
    await using _publisher = publish('main', nginxUrl('live/cam'));
    await wait(1500);
    await bench.pull('pulled', nginxUrl('live/cam'));
    await bench.online('pulled');
    assert.deepEqual(
      bench.hub.get('pulled')!.tracks.map(({ codec }) => codec),
      ['h264', 'aac'],
    );
    const { stdout, stderr } = await ffmpegPlays(bench.url('pulled'), 80);
    assertConsecutive(numbersOf(stdout), 80, stderr);
  });

  test('a stream is pushed to nginx, and played from there', { timeout: 45_000 }, async () => {
    const target = parseSourceUrl(nginxUrl('live/pushed'));
    await bench.define({ id: 'to-nginx', sources: [parseSourceUrl(bench.camera.urls['main']!)], push: [target] });
    await bench.online('to-nginx');
    await wait(1500);
    const { stdout, stderr } = await ffmpegPlays(nginxUrl('live/pushed'), 80);
    assertConsecutive(numbersOf(stdout), 80, stderr);
  });

  test('an agent publishes its camera at nginx, whatever becomes of its tunnel', { timeout: 45_000 }, async () => {
    const { hostname, port, pathname } = new URL(bench.camera.urls['main']!);
    const cameras = [{ name: 'cam', host: hostname, rtsp_port: Number(port), rtsp_path: pathname }];
    const publish = [{ camera: 'cam', url: nginxUrl('live/by-agent') }];
    const nowhere = `ws://127.0.0.1:${await freePort()}/tunnel`;
    const options = { id: 'a', token: '', config: { cameras, publish } };
    await using agent = await new TestAgentProcess(nowhere, options).bundled();
    agent.start();
    for (let i = 0; i < 100 && !agent.log.includes('Publishing'); i++) await wait(100);
    const { stdout, stderr } = await ffmpegPlays(nginxUrl('live/by-agent'), 80);
    assertConsecutive(numbersOf(stdout), 80, `${stderr}\n${agent.log}`);
  });

  test('nginx pushes to us', { timeout: 45_000 }, async () => {
    await using _publisher = publish('sub', nginxUrl('up/cam'));
    await bench.online('by-nginx');
    const { stdout, stderr } = await ffmpegPlays(bench.url('by-nginx'), 80);
    assertConsecutive(numbersOf(stdout), 80, stderr);
  });

  test('nginx pulls from us', { timeout: 45_000 }, async () => {
    const { stdout, stderr } = await ffmpegPlays(nginxUrl('down/sub'), 80);
    assertConsecutive(numbersOf(stdout), 80, stderr);
  });

  test('we pull from and push to ourselves; a stream that is not there is told', { timeout: 45_000 }, async () => {
    await bench.pull('again', bench.url('sub'));
    await bench.pull('nothing', bench.url('nowhere'));
    await bench.define({
      id: 'source-of-push',
      sources: [parseSourceUrl(bench.camera.urls['sub']!)],
      push: [parseSourceUrl(bench.url('pushed-here'))],
    });
    await Promise.all([bench.online('again'), bench.online('pushed-here')]);
    const [again, pushed] = await Promise.all([
      ffmpegPlays(bench.url('again'), 60),
      ffmpegPlays(bench.url('pushed-here'), 60),
    ]);
    assertConsecutive(numbersOf(again.stdout), 60, again.stderr);
    assertConsecutive(numbersOf(pushed.stdout), 60, pushed.stderr);
    assert.deepEqual(bench.hub.get('again')!.transport, { name: 'tcp' });
    assert.equal(bench.hub.get('nothing')!.reason?.code, 'RTMP_STREAM_NOT_FOUND');
  });
});
