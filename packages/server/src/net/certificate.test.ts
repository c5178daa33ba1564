import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { Certificate } from './certificate.ts';

const testdata = new URL('testdata/', import.meta.url).pathname;

test('files that are missing are told of once, and again when they were there meanwhile', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'watchpost-certificate-'));
  const files = { certFile: join(folder, 'server.crt'), keyFile: join(folder, 'server.key') };
  const write = async () => {
    await copyFile(`${testdata}first.crt`, files.certFile);
    await copyFile(`${testdata}first.key`, files.keyFile);
  };
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  const looked = async (certificate: Certificate) => {
    for (let i = 0; i < 3; i++) await certificate.look();
    return warnings.splice(0);
  };
  try {
    await write();
    using certificate = await Certificate.open(() => files, { clock: new ManualClock(), logger });
    warnings.length = 0;
    await rm(files.certFile);
    assert.deepEqual(await looked(certificate), ['The certificate stays as it was']);
    await write();
    assert.deepEqual(await looked(certificate), []);
    await rm(files.keyFile);
    assert.deepEqual(await looked(certificate), ['The certificate stays as it was']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
