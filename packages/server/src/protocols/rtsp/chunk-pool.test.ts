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
  chunks.release(made[2]!, []);
  assert.deepEqual(again(pool, made), [0, 1]);
});

test('what a depacketizer still holds is kept, and all after it', () => {
  const { pool, chunks, made } = concealed(4);
  chunks.release(made[3]!, [made[1]!]);
  assert.deepEqual(again(pool, made), [0]);
});

test('nothing is given back while somebody holds what is older than all', () => {
  const pool = new ChunkPool();
  const chunks = new SessionChunks(pool);
  const early = chunks.allocate(bytes);
  chunks.conceal();
  const made = [chunks.allocate(bytes), chunks.allocate(bytes), chunks.allocate(bytes)];
  chunks.release(made[2]!, [early]);
  assert.deepEqual(again(pool, made), []);
  chunks.release(made[2]!, []);
  assert.deepEqual(again(pool, made), [0, 1]);
});

test('a chunk that a reader may hold is never used again', () => {
  const { pool, chunks, made } = concealed(2);
  chunks.expose();
  made.push(chunks.allocate(bytes));
  chunks.conceal();
  made.push(chunks.allocate(bytes), chunks.allocate(bytes));
  chunks.release(made[4]!, []);
  assert.deepEqual(again(pool, made), [3]);
});

test('nothing is given back while the oldest one in use is from before', () => {
  const { pool, chunks, made } = concealed(2);
  chunks.expose();
  const seen = chunks.allocate(bytes);
  chunks.conceal();
  made.push(chunks.allocate(bytes), chunks.allocate(bytes));
  chunks.release(seen, [made[3]!]);
  assert.deepEqual(again(pool, made), []);
});

test('chunks of one block do not overlap', () => {
  const { made } = concealed(200);
  for (const [index, chunk] of made.entries()) chunk.fill(index % 251);
  for (const [index, chunk] of made.entries()) assert.ok(chunk.every((byte) => byte === index % 251));
});
