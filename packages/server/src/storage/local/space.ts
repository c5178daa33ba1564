import type { StatsFs } from 'node:fs';
import type { StorageSpace } from '../../catalog/types.ts';

/**
 * The room there is, as df(1) counts: without what a file system keeps for its administrator (5 % of an ext4 disk), which
 * would be taken for other people's files.
 */
export function spaceOf(
  facts: Pick<StatsFs, 'blocks' | 'bfree' | 'bavail' | 'bsize' | 'files' | 'ffree'>,
): StorageSpace {
  const { blocks, bfree, bavail, bsize, files, ffree } = facts;
  const freeBytes = bavail * bsize;
  // File systems without a fixed number of inodes (btrfs, vfat) tell 0 of 0.
  return { freeBytes, totalBytes: (blocks - bfree) * bsize + freeBytes, lacksInodes: files > 0 && ffree === 0 };
}
