import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyMemory, SlabPool } from './body-memory.ts';

const slabBytes = 64 * 1024;

/** Fills slabs with bodies of a quarter of one; returns the first body of each. */
function fill(memory: BodyMemory, slabs: number): Uint8Array[] {
  return Array.from({ length: slabs }, () => {
    const bodies = Array.from({ length: 4 }, () => memory.allocate(slabBytes / 4));
    assert.equal(new Set(bodies.map(({ buffer }) => buffer)).size, 1);
    return bodies[0]!;
  });
}

test('slabs are used again two key pictures later, and only those that no reader can have seen', () => {
  const memory = new BodyMemory(new SlabPool());
  const early = fill(memory, 1)[0]!;
  memory.conceal();
  const first = fill(memory, 3);
  memory.release([first[2]!]);
  const second = fill(memory, 1)[0]!;
  assert.ok(!first.some(({ buffer }) => buffer === second.buffer), 'messages may still be under way');
  memory.release([second]);
  const again = fill(memory, 2).map(({ buffer }) => buffer);
  assert.deepEqual(new Set(again), new Set([first[0]!.buffer, first[1]!.buffer]));
  assert.ok(!again.includes(early.buffer));
  memory.expose();
  const seen = fill(memory, 1)[0]!;
  memory.release([seen]);
  memory.conceal();
  memory.release([fill(memory, 1)[0]!]);
  assert.ok(!fill(memory, 4).some(({ buffer }) => buffer === seen.buffer || again.includes(buffer)));
});

test('what is in use is kept, and all after it; nothing goes back while something is older than all', () => {
  const memory = new BodyMemory(new SlabPool());
  const early = fill(memory, 1)[0]!;
  memory.conceal();
  const made = fill(memory, 4);
  memory.release([made[3]!, early]);
  memory.release([made[3]!, early]);
  assert.ok(!fill(memory, 3).some(({ buffer }) => made.some((body) => body.buffer === buffer)));
  memory.release([made[3]!, made[1]!.subarray(3)]);
  memory.release([made[3]!]);
  const again = fill(memory, 3).map(({ buffer }) => buffer);
  assert.deepEqual(
    made.map(({ buffer }) => again.includes(buffer)),
    [true, false, false, false],
  );
});

test('large pictures have slabs of their own, of a few sizes, which are used again as well', () => {
  const memory = new BodyMemory(new SlabPool());
  memory.conceal();
  const large = Array.from({ length: 4 }, () => {
    const body = memory.allocate(200_000);
    memory.release([body]);
    return body;
  });
  assert.deepEqual(
    large.map(({ length, buffer }) => [length, buffer.byteLength]),
    Array(4).fill([200_000, 256 * 1024]),
  );
  assert.equal(large[3]!.buffer, large[0]!.buffer);
  assert.notEqual(memory.allocate(10).buffer, large[3]!.buffer);
});
