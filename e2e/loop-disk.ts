import { access, open } from 'node:fs/promises';
import { run } from './record-harness.ts';

/** An ext4 file system in a file, mounted. */
export interface LoopDisk extends AsyncDisposable {
  readonly image: string;
  readonly mountPoint: string;
  mount(): Promise<void>;
  /** `lazy`: as when the disk is pulled: whoever has files open keeps them. */
  unmount(how?: 'lazy'): Promise<void>;
}

/** Why loop devices cannot be used here; undefined where they can. */
export async function whyNoLoopDisk(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root, to mount a loop device';
  try {
    await access('/dev/loop-control');
    await run('mkfs.ext4', ['-V']);
    return undefined;
  } catch {
    return 'needs loop devices and mkfs.ext4';
  }
}

/** Makes an ext4 file system of so many MB at `image` and mounts it. */
export async function makeLoopDisk(image: string, mountPoint: string, megabytes: number): Promise<LoopDisk> {
  const file = await open(image, 'w');
  await file.truncate(megabytes * 1024 * 1024);
  await file.close();
  await run('mkfs.ext4', ['-q', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image]);
  return mountImage(image, mountPoint);
}

/** Mounts a file system that is there already; its journal is replayed, as after a power cut. */
export async function mountImage(image: string, mountPoint: string): Promise<LoopDisk> {
  let mounted = false;
  const disk: LoopDisk = {
    image,
    mountPoint,
    mount: async () => {
      await run('mkdir', ['-p', mountPoint]);
      await run('mount', ['-o', 'loop', image, mountPoint]);
      mounted = true;
    },
    unmount: async (how) => {
      mounted = false;
      await run('umount', how === 'lazy' ? ['-l', mountPoint] : [mountPoint]);
    },
    [Symbol.asyncDispose]: async () => {
      if (mounted) await run('umount', ['-l', mountPoint]);
    },
  };
  await disk.mount();
  return disk;
}
