import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { NewEvent } from './catalog/types.ts';
import { HttpCertificate, tellExpiring } from './http-certificate.ts';
import type { BindAddress } from './net/bind-address.ts';
import type { Certificate, CertificateText } from './net/certificate.ts';
import { ProtocolPorts } from './net/protocol-ports.ts';
import type { Base } from './parts.ts';

const testdata = new URL('net/testdata/', import.meta.url).pathname;
const firstEndsMs = Date.parse('2126-10-28T06:21:24Z');
const dayMs = 24 * 3_600_000;

async function openWith(keyFile: string, wallMs: number): Promise<NewEvent[]> {
  await using stack = new AsyncDisposableStack();
  const told: NewEvent[] = [];
  const http = { bind: { host: '127.0.0.1', port: 0 }, tls: { certFile: `${testdata}first.crt`, keyFile } };
  const config = { http } as Base['config'];
  const base = { config, running: { config }, clock: new ManualClock(wallMs), logger: silentLogger, stack };
  using _open = await HttpCertificate.open(base, [], tellExpiring({ emit: (event) => void told.push(event) }));
  return told;
}

test('an event tells that the certificate expires soon, and that it has', async () => {
  const key = `${testdata}first.key`;
  assert.deepEqual(await openWith(key, firstEndsMs - 14 * dayMs), []);
  const [soon] = await openWith(key, firstEndsMs - 3 * dayMs);
  assert.deepEqual([soon?.type, soon?.level, soon?.data?.['days_left']], ['certificate.expiring', 'warning', 3]);
  const [over] = await openWith(key, firstEndsMs + dayMs);
  assert.deepEqual([over?.type, over?.level], ['certificate.expiring', 'error']);
});

test('files that do not fit are an error that names the setting, the files and the cure', async () => {
  await assert.rejects(openWith(`${testdata}second.key`, firstEndsMs), {
    code: 'CERTIFICATE_INVALID',
    message: /^http\.tls: ".*first\.crt" and ".*second\.key" are no certificate and its key — .*; name PEM files/,
  });
  await assert.rejects(openWith(`${testdata}none.key`, firstEndsMs), {
    code: 'CERTIFICATE_INVALID',
    message: /^http\.tls: the certificate file ".*none\.key" cannot be read — ENOENT/,
  });
});

test('a certificate that comes, changes and goes with the configuration is told to what is served with it', async () => {
  await using stack = new AsyncDisposableStack();
  const filesOf = (name: string) => ({ certFile: `${testdata}${name}.crt`, keyFile: `${testdata}${name}.key` });
  const bind = { host: '127.0.0.1', port: 0 };
  const configOf = (name?: string) => ({ http: { bind, ...(name && { tls: filesOf(name) }) } }) as Base['config'];
  const running = { config: configOf() };
  const clock = new ManualClock(firstEndsMs - 30 * dayMs);
  const base = { config: running.config, running, clock, logger: silentLogger, stack };
  const shown: (string | undefined)[] = [];
  const served = { secure: (text?: CertificateText) => void shown.push(text?.cert.toString()) };
  using certificate = await HttpCertificate.open(base, [served], () => {});
  for (const name of ['none', 'first', 'second', 'none', undefined, undefined, 'first']) {
    running.config = configOf(name);
    await certificate.configure();
  }
  const [first, second] = ['first', 'second'].map((name) => readFileSync(`${testdata}${name}.crt`, 'utf8'));
  assert.deepEqual(shown, [first, second, undefined, first]);
});

test('files that are named before there are any are looked for every 10 s, and told of once for each reason', async () => {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const files = { certFile: join(folder, 'a.crt'), keyFile: join(folder, 'a.key') };
  const bind = { host: '127.0.0.1', port: 0 };
  const running = { config: { http: { bind } } as Base['config'] };
  const clock = new ManualClock(firstEndsMs - 30 * dayMs);
  const errors: string[] = [];
  const logger = { ...silentLogger, error: (message: string) => void errors.push(message) };
  const shown: (string | undefined)[] = [];
  const served = { secure: (text?: CertificateText) => void shown.push(text?.cert.toString()) };
  const base = { config: running.config, running, clock, logger, stack };
  const certificate = stack.use(await HttpCertificate.open(base, [served], () => {}));
  running.config = { http: { bind, tls: files } } as Base['config'];
  await certificate.configure();
  const pass = async (isDone: () => boolean) => {
    for (let i = 0; i < 5 || (!isDone() && i < 2000); i++) {
      clock.advance(10_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.ok(isDone(), errors.join('\n'));
    // No look is under way while the files change.
    await certificate.configure();
  };
  await pass(() => errors.length === 1);
  assert.match(errors[0]!, /^http\.tls: the certificate file ".*a\.crt" cannot be read — ENOENT.*HTTPS begins once/);
  copyFileSync(`${testdata}first.crt`, files.certFile);
  copyFileSync(`${testdata}second.key`, files.keyFile);
  await pass(() => errors.length === 2);
  assert.match(errors[1]!, /are no certificate and its key/);
  assert.deepEqual(shown, []);
  copyFileSync(`${testdata}first.key`, files.keyFile);
  const first = readFileSync(`${testdata}first.crt`, 'utf8');
  await pass(() => shown.length === 1);
  assert.deepEqual(shown, [first]);
  running.config = { http: { bind } } as Base['config'];
  await certificate.configure();
  assert.deepEqual(shown, [first, undefined]);
  await pass(() => errors.length === 2);
});

test('certificates of RTSPS and RTMPS are told of as that of HTTP is: once a day, a shared one once, and again when renewed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true }));
  const files = { certFile: join(folder, 'a.crt'), keyFile: join(folder, 'a.key') };
  const install = (name: string) => {
    copyFileSync(`${testdata}${name}.crt`, files.certFile);
    copyFileSync(`${testdata}${name}.key`, files.keyFile);
  };
  install('first');
  const clock = new ManualClock(firstEndsMs - 3 * dayMs);
  const told: NewEvent[] = [];
  const onExpiring = tellExpiring({ emit: (event) => void told.push(event) });
  const served: (Certificate | undefined)[] = [];
  const server = {
    listen: async (bind: BindAddress, certificate?: Certificate) => {
      served.push(certificate);
      return { ...bind, stop: () => {} };
    },
  };
  const bind = { host: '127.0.0.1', port: 0 };
  const settings = () => ({ bind, tls: { bind, files } });
  for (const protocol of ['rtsp', 'rtmp'])
    stack.use(await ProtocolPorts.open({ protocol, server, settings, clock, logger: silentLogger, onExpiring }));
  const seen = () => told.map(({ data }) => [data!['setting'], data!['days_left']]);
  assert.deepEqual(seen(), [['protocols.rtsp.tls_cert', 3]]);
  assert.match(told[0]!.message, /^The certificate of RTSPS expires in 3 days — renew the files of protocols\.rtsp/);
  clock.advance(dayMs);
  // The look at the files comes first.
  for (let i = 0; i < 100 && told.length < 2; i++) await new Promise((resolve) => setTimeout(resolve, 5));
  // Either port may be the first to look that day.
  assert.deepEqual(
    told.slice(1).map(({ data }) => data!['days_left']),
    [2],
  );
  const certificate = served[1]!;
  let changes = 0;
  certificate.onChange(() => changes++);
  install('second');
  await certificate.look();
  assert.equal(changes, 1);
});
