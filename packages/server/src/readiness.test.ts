import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readinessOf } from './readiness.ts';
import type { BackendReport, StorageReport } from './recorder/storage-report.ts';

type State = BackendReport['state'];

async function ask(states: readonly State[], { isRecording = true, catalogFailure }: Asked = {}) {
  const backends = states.map((state, i) => ({ name: `disk${i}`, state, message: '/mnt/secret' }) as BackendReport);
  const report: StorageReport = { backends, streams: [], ...(catalogFailure && { catalogFailure }) };
  const checks = readinessOf({ storageReport: async () => report, isRecording: () => isRecording });
  return Promise.all(checks.map(async ({ check }) => check()));
}

interface Asked {
  readonly isRecording?: boolean;
  readonly catalogFailure?: string;
}

test('the server is ready while one storage backend of several works, and tells which is away', async () => {
  const cases: readonly [states: readonly State[], ok: boolean, message: string | undefined][] = [
    [['ok', 'ok'], true, undefined],
    [['full'], true, 'no room for recordings: "disk0" (full)'],
    [['ok', 'missing'], true, 'recording goes on without "disk1" (missing)'],
    [['error', 'full'], true, 'recording goes on without "disk0" (error)'],
    [['missing'], false, 'nothing can be recorded: "disk0" (missing)'],
    [['missing', 'error'], false, 'nothing can be recorded: "disk0" (missing), "disk1" (error)'],
  ];
  for (const [states, ok, message] of cases) {
    const [storage] = await ask(states);
    assert.deepEqual(storage, { ok, ...(message !== undefined && { message }) }, states.join());
  }
});

test('where nothing is recorded the server is ready without any disk', async () => {
  const [storage] = await ask(['missing'], { isRecording: false });
  assert.deepEqual(storage, { ok: true, message: 'recordings cannot be played from "disk0" (missing)' });
});

test('a database that cannot be written is not ready', async () => {
  const [, catalog] = await ask(['ok'], { catalogFailure: 'disk is full' });
  assert.deepEqual(catalog, { ok: false, message: 'recordings are not indexed: disk is full' });
});
