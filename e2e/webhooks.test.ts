// The server's own events, to a receiver that openssl checks the signature for, and what load balancers are told.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { startTestServer, wait } from './harness.ts';

test('a receiver that was away hears all, signed, in order, also after a crash; /ready follows the disk', {
  timeout: 60_000,
}, async (t) => {
  const received: { id: number; type: string; stream_id: string | null }[] = [];
  let refuse = 2;
  const receiver = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    if (refuse-- > 0) return void response.writeHead(503).end();
    const timestamp = String(request.headers['x-watchpost-timestamp']);
    const { stdout } = spawnSync('openssl', ['dgst', '-sha256', '-hmac', 'correct horse'], {
      input: `${timestamp}.${body}`,
    });
    assert.equal(request.headers['x-watchpost-signature'], `sha256=${stdout.toString().trim().split(' ').at(-1)}`);
    received.push(JSON.parse(body) as (typeof received)[number]);
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  t.after(() => receiver.close());
  const camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  await using server = await startTestServer({
    cameras: [{ id: 'gate', url: camera.urls['main']! }],
    more: `[[webhooks]]
url = "http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook"
events = ["stream.*", "disk.*"]
secret = "correct horse"
`,
  });
  await server.waitFor('gate', 'online', 15_000);
  await camera.close();
  await server.waitFor('gate', 'offline', 15_000);
  for (let i = 0; i < 150 && received.at(-1)?.type !== 'stream.offline'; i++) await wait(100);
  assert.deepEqual(
    received.map(({ type, stream_id }) => [type, stream_id]),
    ['stream.added', 'stream.online', 'stream.offline'].map((type) => [type, 'gate']),
  );
  refuse = Number.POSITIVE_INFINITY;
  const body = JSON.stringify({ stream_id: 'yard', protocol: 'rtsp', source_url: 'rtsp://127.0.0.1:9/x' });
  await server.api('/streams', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const added = async (id: string) => (await server.events(id)).some(({ type }) => type === 'stream.added');
  for (let i = 0; i < 50 && !(await added('yard')); i++) await wait(100);
  await server.kill();
  refuse = 0;
  await server.start();
  for (let i = 0; i < 100 && !received.some(({ stream_id }) => stream_id === 'yard'); i++) await wait(100);
  const heard = new Set(received.map(({ id }) => id));
  assert.ok(
    received.some(({ type, stream_id }) => type === 'stream.added' && stream_id === 'yard'),
    server.log,
  );
  // What was delivered right before the crash may come again, with the same id.
  assert.deepEqual(
    [...heard],
    [...heard].sort((a, b) => a - b),
  );

  const isReady = async (status: number) => (await fetch(`${server.base}/ready`)).status === status;
  const isHeard = async (event: string) => received.some(({ type }) => type === event);
  const waitFor = async (what: string, isSo: () => Promise<boolean>) => {
    for (let i = 0; i < 150 && !(await isSo()); i++) await wait(100);
    assert.ok(await isSo(), `${what}\n${server.log}`);
  };
  await waitFor('ready', () => isReady(200));
  const [video, elsewhere] = [join(server.dir, 'video'), join(server.dir, 'elsewhere')];
  renameSync(video, elsewhere);
  await waitFor('the disk is missing: not ready', () => isReady(503));
  await waitFor('the receiver hears of it', () => isHeard('disk.missing'));
  renameSync(elsewhere, video);
  await waitFor('the disk is back: ready', () => isReady(200));
  await waitFor('the receiver hears of that', () => isHeard('disk.back'));
});
