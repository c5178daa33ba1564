import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it that are missing. Where one cannot hold folders (one that was removed while it is
 * open, a mount point whose disk is away, /proc) it rejects with the cause; `mkdir` with `recursive` tries for ever there.
 */
export async function makeFolders(path: string, mode = 0o777): Promise<void> {
  const missing: string[] = [];
  for (let place = path; ; place = dirname(place)) {
    const failure = await tryMake(place, mode);
    if (failure === undefined) break;
    if (failure.code !== 'ENOENT' || place === dirname(place)) throw failure;
    missing.push(place);
  }
  for (const place of missing.reverse()) {
    const failure = await tryMake(place, mode);
    if (failure !== undefined) throw failure;
  }
}

/** Undefined where the folder is there now. */
async function tryMake(path: string, mode: number): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await mkdir(path, mode);
    return undefined;
  } catch (thrown) {
    // Read-only disks and the like say something else than that it is there already.
    const there = await stat(path).catch(() => undefined);
    return there?.isDirectory() ? undefined : (thrown as NodeJS.ErrnoException);
  }
}
