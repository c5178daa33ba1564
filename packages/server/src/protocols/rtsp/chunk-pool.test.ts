import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkPool, SessionChunks } from './chunk-pool.ts';

const bytes = 16 * 1024;

/** A session whose chunks no reader has seen, and its first chunks. */
function concealed(count: number): { pool: ChunkPool; chunks: SessionChunks; made: Uint8Array[] } {
  const pool = new ChunkPool();
  const chunks = new SessionChunks(pool);
  chunks.conceal();
  return { pool, chunks, made: Array.from({ length: count }, () => chunks.allocate(bytes)) };
}

/** Chunks that a pool hands out again. */
function again(pool: ChunkPool, made: readonly Uint8Array[]): number[] {
  const taken = Array.from({ length: 8 }, () => pool.take(bytes));
  return made.flatMap((chunk, index) => (taken.includes(chunk) ? [index] : []));
}

test('chunks before the oldest one in use are used again', () => {
  const { pool, chunks, made } = concealed(4);
  chunks.release([made[2]!]);
  assert.deepEqual(again(pool, made), [0, 1]);
});

test('what is in use is kept, and all after it; a part of a chunk, too', () => {
  const { pool, chunks, made } = concealed(4);
  chunks.release([made[3]!, made[1]!.subarray(7, 9)]);
  assert.deepEqual(again(pool, made), [0]);
});

test('nothing is given back while something older is in use; past 32 chunks they are left to the collector', () => {
  const early = new Uint8Array(9);
  const { pool, chunks, made } = concealed(3);
  chunks.release([made[2]!, early]);
  assert.deepEqual(again(pool, made), []);
  chunks.release([made[2]!]);
  assert.deepEqual(again(pool, made), [0, 1]);
  made.push(...Array.from({ length: 40 }, () => chunks.allocate(bytes)));
  chunks.release([made[42]!, early]);
  made.push(chunks.allocate(bytes), chunks.allocate(bytes));
  chunks.release([made[44]!]);
  assert.deepEqual(again(pool, made), [43]);
});

test('a chunk that a reader may hold is never used again', () => {
  const { pool, chunks, made } = concealed(2);
  chunks.expose();
  made.push(chunks.allocate(bytes));
  chunks.conceal();
  made.push(chunks.allocate(bytes), chunks.allocate(bytes));
  chunks.release([made[4]!]);
  assert.deepEqual(again(pool, made), [3]);
});

test('nothing is given back while the oldest one in use is from before', () => {
  const { pool, chunks, made } = concealed(2);
  chunks.expose();
  const seen = chunks.allocate(bytes);
  chunks.conceal();
  made.push(chunks.allocate(bytes), chunks.allocate(bytes));
  chunks.release([seen, made[3]!]);
  assert.deepEqual(again(pool, made), []);
});

test('chunks of one block do not overlap', () => {
  const { made } = concealed(200);
  for (const [index, chunk] of made.entries()) chunk.fill(index % 251);
  for (const [index, chunk] of made.entries()) assert.ok(chunk.every((byte) => byte === index % 251));
});
