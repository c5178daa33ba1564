import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatchpostError } from '../../packages/base/src/errors.ts';
import type { StorageBackend } from '../../packages/server/src/catalog/types.ts';

/** A backend made for one test, empty. */
export interface StorageUnderTest extends AsyncDisposable {
  readonly backend: StorageBackend;
}

/** What every storage backend must do; `make` gives a fresh one each time. */
export function runStorageConformance(name: string, make: () => Promise<StorageUnderTest>): void {
  const check = (title: string, body: (backend: StorageBackend) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      await using place = await make();
      await body(place.backend);
    });
  };

  check('what was appended is read again, whole and in parts', async (backend) => {
    await write(backend, 'gate/2026-02-11/10/1.mp4', [bytes(0, 700_000), bytes(3, 5)]);
    const whole = await read(backend, 'gate/2026-02-11/10/1.mp4');
    assert.equal(whole.length, 700_005);
    assert.deepEqual(whole.subarray(699_998), new Uint8Array([...bytes(699_998, 2), ...bytes(3, 5)]));
    const parts: [number, number | undefined, number][] = [
      [0, 10, 10],
      [699_999, 700_003, 4],
      [700_000, undefined, 5],
      [700_005, undefined, 0],
      [700_000, 900_000, 5],
      [10, 10, 0],
    ];
    for (const [start, end, length] of parts) {
      assert.deepEqual(
        await read(backend, 'gate/2026-02-11/10/1.mp4', start, end),
        whole.subarray(start, start + length),
        `${start}-${end}`,
      );
    }
  });

  check('several ranges of a file are read at once, each as far as the file reaches', async (backend) => {
    await write(backend, 'gate/1.mp4', [bytes(0, 700_000)]);
    const whole = await read(backend, 'gate/1.mp4');
    const ranges: [number, number][] = [
      [0, 100],
      [100, 5000],
      [600_000, 600_001],
      [50, 60],
      [699_990, 710_000],
      [710_000, 710_010],
      [710_010, 710_020],
      [7, 7],
    ];
    if (backend.readRanges === undefined) return;
    const parts = await backend.readRanges('gate/1.mp4', ranges);
    assert.deepEqual(
      parts,
      ranges.map(([start, end]) => whole.subarray(start, end)),
    );
    assert.deepEqual(await backend.readRanges('gate/1.mp4', []), []);
    await assertRejects(backend.readRanges('gate/nothing.mp4', ranges), 'not_found');
  });

  check('a growing file can be read up to what was appended', async (backend) => {
    const file = await backend.create('a/1.mp4', new AbortController().signal);
    await file.append(bytes(0, 10));
    assert.deepEqual(await read(backend, 'a/1.mp4'), bytes(0, 10));
    await file.append(bytes(10, 10));
    await file.sync();
    assert.deepEqual(await read(backend, 'a/1.mp4'), bytes(0, 20));
    await file.close();
  });

  check('a name that is taken is a conflict, and what is there stays', async (backend) => {
    await write(backend, 'a/1.mp4', [bytes(0, 3)]);
    await assertRejects(backend.create('a/1.mp4', new AbortController().signal), 'conflict');
    assert.deepEqual(await read(backend, 'a/1.mp4'), bytes(0, 3));
  });

  check('what is not there is not found', async (backend) => {
    await assertRejects(read(backend, 'a/nothing.mp4'), 'not_found');
    await assertRejects(backend.truncate('a/nothing.mp4', 0), 'not_found');
  });

  check('removing is final, and removing nothing is no error', async (backend) => {
    await write(backend, 'a/b/1.mp4', [bytes(0, 3)]);
    await backend.remove('a/b/1.mp4');
    await backend.remove('a/b/1.mp4');
    await assertRejects(read(backend, 'a/b/1.mp4'), 'not_found');
    assert.deepEqual(await list(backend, ''), []);
    await write(backend, 'a/b/1.mp4', [bytes(0, 4)]);
    assert.deepEqual(await list(backend, 'a/'), [['a/b/1.mp4', 4]]);
  });

  check('names are those of the files in one folder, none where there is no such folder', async (backend) => {
    if (backend.names === undefined) return;
    for (const key of ['a/10/1.mp4', 'a/10/1.json', 'a/10/b/2.mp4', 'a/101/3.mp4'])
      await write(backend, key, [bytes(0, 1)]);
    assert.deepEqual([...(await backend.names('a/10'))].sort(), ['1.json', '1.mp4']);
    assert.deepEqual(await backend.names('a/11'), []);
    await assertRejects(backend.names('../a'), 'invalid_argument');
  });

  check('a list is in order and holds only what begins with the prefix', async (backend) => {
    for (const key of [
      'b/1.mp4',
      'a/2026-02-12/00/1.mp4',
      'a/2026-02-11/10/2.mp4',
      'a/2026-02-11/09/1.mp4',
      'a-b/1.mp4',
    ]) {
      await write(backend, key, [bytes(0, 1)]);
    }
    const table: [string, string[]][] = [
      ['', ['a-b/1.mp4', 'a/2026-02-11/09/1.mp4', 'a/2026-02-11/10/2.mp4', 'a/2026-02-12/00/1.mp4', 'b/1.mp4']],
      ['a/', ['a/2026-02-11/09/1.mp4', 'a/2026-02-11/10/2.mp4', 'a/2026-02-12/00/1.mp4']],
      ['a/2026-02-11', ['a/2026-02-11/09/1.mp4', 'a/2026-02-11/10/2.mp4']],
      ['a/2026-02-11/10/', ['a/2026-02-11/10/2.mp4']],
      ['c/', []],
    ];
    for (const [prefix, keys] of table) {
      assert.deepEqual(
        (await list(backend, prefix)).map(([key]) => key),
        keys,
        prefix,
      );
    }
  });

  check('a file is cut where recovery says', async (backend) => {
    await write(backend, 'a/1.mp4', [bytes(0, 100)]);
    await backend.truncate('a/1.mp4', 60);
    assert.deepEqual(await read(backend, 'a/1.mp4'), bytes(0, 60));
  });

  check('no key leads out of the place', async (backend) => {
    const hostile = [
      '../x',
      'a/../../x',
      '/etc/passwd',
      'a//b',
      '',
      '.',
      'a/./b',
      'a\0b',
      '.hidden',
      'a\\..\\b',
      'x'.repeat(2000),
    ];
    for (const key of hostile) {
      await assertRejects(backend.create(key, new AbortController().signal), 'invalid_argument');
      await assertRejects(read(backend, key), 'invalid_argument');
      await assertRejects(backend.remove(key), 'invalid_argument');
      await assertRejects(backend.truncate(key, 0), 'invalid_argument');
    }
    await assertRejects(list(backend, '../'), 'invalid_argument');
  });

  check('an aborted create makes nothing', async (backend) => {
    await assert.rejects(backend.create('a/1.mp4', AbortSignal.abort()));
    assert.deepEqual(await list(backend, ''), []);
  });

  check('space is told', async (backend) => {
    const { freeBytes, totalBytes } = await backend.space();
    assert(totalBytes > 0 && freeBytes >= 0 && freeBytes <= totalBytes);
  });
}

function bytes(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => ((from + index) * 7) & 0xff);
}

async function write(backend: StorageBackend, key: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await backend.create(key, new AbortController().signal);
  await file.append(...parts);
  await file.sync();
  await file.close();
}

async function read(backend: StorageBackend, key: string, start?: number, end?: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of backend.read(key, start, end)) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

async function list(backend: StorageBackend, prefix: string): Promise<[string, number][]> {
  const found: [string, number][] = [];
  for await (const entry of backend.list(prefix)) found.push([entry.key, entry.bytes]);
  return found;
}

async function assertRejects(promise: Promise<unknown>, kind: string): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof WatchpostError && error.kind === kind);
}
