import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { FlvDemuxer } from '@watchpost/media/container/flv/demuxer.ts';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { chromium } from 'playwright-core';
import WebSocket from 'ws';
import { startTestServer, type TestServer } from './harness.ts';
import { run, wait } from './live-harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'watchpost-tls-'));
const cert = join(folder, 'server.pem');
const key = join(folder, 'server.key');
const authorities = join(folder, 'authorities.pem');
const jar = join(folder, 'cookies');
const login = JSON.stringify({ name: 'admin', password: 'a long password' });
let camera: RtspCamera;
let server: TestServer;
let setUpAnswer = '';

before(async () => {
  makeCertificate(cert, key);
  makeCertificate(`${cert}.next`, `${key}.next`);
  writeFileSync(authorities, readFileSync(cert, 'utf8') + readFileSync(`${cert}.next`, 'utf8'));
  camera = await startRtspCamera({ port: 0 });
  server = await startTestServer({
    auth: 'required',
    http: `tls = { cert = "${cert}", key = "${key}" }`,
    more: '[protocols]\nenabled = ["hls", "flv", "mjpeg"]\n[protocols.hls]\nlow_latency = true\n',
    cameras: [{ id: 'gate', url: camera.urls['main']! }],
  });
  const setUp = /"setup_url":"(https:\/\/127\.0\.0\.1:\d+\/setup\?token=([^"]+))"/.exec(server.log);
  const body = JSON.stringify({ ...JSON.parse(login), token: setUp?.[2] });
  setUpAnswer = await curl('/setup', ['-i', '-d', body, '-c', jar]);
  for (let tries = 0; tries < 100 && !(await curl('/streams/gate')).includes('"state":"online"'); tries++)
    await wait(100);
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await camera?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function makeCertificate(certFile: string, keyFile: string): void {
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
  const names = ['-subj', '/CN=watchpost test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', ...ec, ...names, '-out', certFile, '-keyout', keyFile], { stdio: 'ignore' });
}

/** What curl gets from the API with the cookies of a file; it trusts our certificates only. */
function curl(path: string, more: readonly string[] = [], cookies = jar): Promise<string> {
  const json = ['-H', 'Content-Type: application/json'];
  const trust = ['--cacert', authorities, '-b', cookies];
  return run('curl', ['-sS', '-m', '10', ...trust, ...json, ...more, `${server.base}/api/v1${path}`]);
}

async function addressOf(protocol: string): Promise<string> {
  return JSON.parse(await curl(`/streams/gate/play?protocol=${protocol}`)).url;
}

function session(): ClientHttp2Session {
  return connectHttp2(server.base, { rejectUnauthorized: false });
}

async function get(client: ClientHttp2Session, path: string): Promise<{ status: number; body: Buffer }> {
  const stream = client.request({ ':path': path });
  const [headers] = await once(stream, 'response');
  return { status: headers[':status'], body: Buffer.concat(await stream.toArray()) };
}

/** Times of the pictures that ffprobe decodes in the first seconds. */
async function picturesOf(url: string, seconds: number): Promise<number[]> {
  const select = ['-select_streams', 'v', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0'];
  const output = await run('ffprobe', ['-v', 'error', ...select, '-read_intervals', `%+${seconds}`, url]);
  return output.split('\n').filter(Boolean).map(Number.parseFloat);
}

function assertSteady(times: readonly number[], least: number): void {
  assert.ok(times.length >= least, `${times.length} pictures`);
  for (let i = 1; i < times.length; i++) {
    const step = times[i]! - times[i - 1]!;
    assert.ok(step > 0 && step < 0.2, `picture ${i} comes ${step} s after the one before`);
  }
}

/** Bytes that a WebSocket brought so far. */
function watchOverWss(url: string): { socket: WebSocket; bytes(): number } {
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  let bytes = 0;
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) bytes += data.length;
  });
  return { socket, bytes: () => bytes };
}

test('everything works over HTTPS', { concurrency: true }, async (t) => {
  const cases: Record<string, () => Promise<void>> = {
    'curl: HTTP/2, a cookie for TLS only, addresses with https and wss': async () => {
      assert.match(setUpAnswer, /^HTTP\/2 201/);
      assert.match(setUpAnswer, /set-cookie: watchpost_session=.*; Secure/i);
      assert.ok((await addressOf('hls')).startsWith(`${server.base}/hls/gate/`));
      assert.ok((await addressOf('ws-fmp4')).startsWith(`${server.base.replace('https', 'wss')}/fmp4/gate`));
      assert.match(await curl('/session', ['--http1.1', '-i']), /^HTTP\/1\.1 200[\s\S]*"name":"admin"/);
    },
    'a page of another site may not use the session over HTTP/2, ours may': async () => {
      const other = join(folder, 'other');
      await curl('/login', ['-d', login, '-c', other], other);
      const logout = (origin: string) =>
        curl('/logout', ['-X', 'POST', '-H', `Origin: ${origin}`, '-o', '/dev/null', '-w', '%{http_code}'], other);
      assert.equal(await logout('https://evil.example'), '403');
      assert.equal(await logout(server.base), '204');
    },
    'ffprobe plays HLS': async () => assertSteady(await picturesOf(await addressOf('hls'), 2), 30),
    'ffprobe plays FLV': async () => assertSteady(await picturesOf(await addressOf('flv'), 2), 30),
    'ffprobe plays the endless MP4': async () => assertSteady(await picturesOf(await addressOf('fmp4'), 2), 30),
    'three players of Low-Latency HLS wait for their parts in one HTTP/2 session': async () => {
      const client = session();
      const { pathname, search } = new URL(await addressOf('hls'));
      let list = '';
      for (let tries = 0; tries < 100 && !list.includes('#EXT-X-PART:'); tries++, await wait(100))
        list = String((await get(client, pathname + search)).body);
      const first = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(list)?.[1]);
      const next = first + (list.match(/#EXTINF:/g)?.length ?? 0) + 1;
      const startMs = performance.now();
      const answers = await Promise.all(
        [0, 1, 2].map(() => get(client, `${pathname}${search}&_HLS_msn=${next}&_HLS_part=0`)),
      );
      assert.ok(performance.now() - startMs > 100, 'they were answered before the part was there');
      for (const { status, body } of answers) {
        assert.equal(status, 200);
        const part = [...String(body).matchAll(/#EXT-X-PART:.*URI="([^"]+)"/g)].at(-1)?.[1];
        const media = await get(client, new URL(part!, server.base + pathname).href.slice(server.base.length));
        assert.deepEqual([media.status, media.body.length > 500], [200, true]);
      }
      client.close();
    },
    'FLV and the endless MP4 share an HTTP/2 session; one that is left leaves the other': async () => {
      const client = session();
      const path = async (protocol: string) => (await addressOf(protocol)).slice(server.base.length);
      const mp4 = client.request({ ':path': await path('fmp4') });
      const flv = client.request({ ':path': await path('flv') });
      let mp4Bytes = 0;
      let pictures = 0;
      const demuxer = new FlvDemuxer({
        track: () => {},
        unit: ({ kind }) => {
          if (kind === 'video') pictures++;
        },
      });
      mp4.on('data', (chunk: Buffer) => {
        mp4Bytes += chunk.length;
      });
      flv.on('data', (chunk: Buffer) => demuxer.push(chunk));
      await wait(1500);
      assert.ok(mp4Bytes > 10_000, `${mp4Bytes} bytes of MP4`);
      mp4.close(8);
      const before = pictures;
      await wait(1500);
      assert.ok(before > 15 && pictures - before > 15, `${before}, then ${pictures} pictures`);
      client.destroy();
    },
    'Chromium shows the live picture over wss': async () => {
      await using stack = new AsyncDisposableStack();
      const flags = ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--ignore-certificate-errors'];
      const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });
      stack.defer(() => browser.close());
      const page = await (await browser.newContext({ bypassCSP: true, ignoreHTTPSErrors: true })).newPage();
      const answer = await page.goto(`${server.base}/api/v1/session`);
      assert.equal((await answer!.securityDetails())?.protocol, 'TLS 1.3');
      await page.addScriptTag({ path: join(import.meta.dirname, 'live-fmp4-page.js') });
      const played = (await page.evaluate(`playFmp4('${await addressOf('ws-fmp4')}', 3000)`)) as Record<
        string,
        unknown
      >;
      assert.equal(played['error'], '');
      assert.ok(Number(played['frames']) > 30, JSON.stringify(played));
    },
    'a renewed certificate is taken while viewers go on': async () => {
      const { socket, bytes } = watchOverWss(await addressOf('ws-fmp4'));
      const shown = async () => {
        const peer = connectTls({
          host: '127.0.0.1',
          port: Number(new URL(server.base).port),
          rejectUnauthorized: false,
        });
        await once(peer, 'secureConnect');
        const { fingerprint256 } = peer.getPeerCertificate();
        peer.destroy();
        return fingerprint256;
      };
      const before = await shown();
      renameSync(`${cert}.next`, cert);
      renameSync(`${key}.next`, key);
      for (let tries = 0; tries < 130 && (await shown()) === before; tries++) await wait(100);
      assert.notEqual(await shown(), before);
      const bytesBefore = bytes();
      await wait(700);
      assert.ok(bytesBefore > 10_000 && bytes() > bytesBefore, `${bytesBefore}, then ${bytes()} bytes`);
      assert.equal(socket.readyState, WebSocket.OPEN);
      socket.close();
    },
  };
  await Promise.all(Object.entries(cases).map(([name, body]) => t.test(name, () => server.guard(body))));
});

test('viewers and open sessions do not keep the server from ending', async () => {
  const flv = await addressOf('flv');
  const { socket } = watchOverWss(await addressOf('ws-fmp4'));
  const media = session()
    .on('error', () => {})
    .request({ ':path': flv.slice(server.base.length) });
  media.on('error', () => {}).resume();
  await Promise.all([once(socket, 'open'), once(media, 'response')]);
  const closed = Promise.all([socket, media].map((one) => new Promise((resolve) => one.once('close', resolve))));
  const startMs = performance.now();
  assert.equal(await server.stop(), 0);
  assert.ok(performance.now() - startMs < 5000, 'they kept it from ending');
  await closed;
});
