import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { NewEvent } from './catalog/types.ts';
import { openHttpCertificate } from './http-certificate.ts';
import type { Base } from './parts.ts';

const testdata = new URL('net/testdata/', import.meta.url).pathname;
const firstEndsMs = Date.parse('2126-10-28T06:21:24Z');
const dayMs = 24 * 3_600_000;

async function openWith(keyFile: string, wallMs: number): Promise<NewEvent[]> {
  await using stack = new AsyncDisposableStack();
  const told: NewEvent[] = [];
  const http = { bind: { host: '127.0.0.1', port: 0 }, tls: { certFile: `${testdata}first.crt`, keyFile } };
  await openHttpCertificate({
    ...{ config: { http } as Base['config'], clock: new ManualClock(wallMs), logger: silentLogger, stack },
    events: { emit: (event) => void told.push(event) },
  });
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
