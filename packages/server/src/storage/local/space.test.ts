import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { test } from 'node:test';
import { spaceOf } from './space.ts';

test('what a file system keeps for its administrator is neither free nor in use', () => {
  const disk = { bsize: 4096, blocks: 1000, bfree: 500, bavail: 450, files: 100, ffree: 7 };
  assert.deepEqual(spaceOf(disk), { freeBytes: 450 * 4096, totalBytes: 950 * 4096, lacksInodes: false });
});

test('df says the same of this disk', () => {
  const [, said = ''] = execFileSync('df', ['-B1', '--output=used,avail', '.'], { encoding: 'utf8' }).split('\n');
  const [used = 0, available = 0] = said.trim().split(/\s+/).map(Number);
  const { freeBytes, totalBytes } = spaceOf(statfsSync('.'));
  // Others write meanwhile.
  for (const [ours, theirs] of [
    [freeBytes, available],
    [totalBytes, used + available],
  ] as const)
    assert.ok(Math.abs(ours - theirs) < 1e9, `${ours} ${theirs}`);
});

test('a disk without inodes is told, one that does not count them is none', () => {
  const disk = { bsize: 4096, blocks: 1000, bfree: 500, bavail: 450 };
  assert.equal(spaceOf({ ...disk, files: 100, ffree: 0 }).lacksInodes, true);
  assert.equal(spaceOf({ ...disk, files: 0, ffree: 0 }).lacksInodes, false);
});
