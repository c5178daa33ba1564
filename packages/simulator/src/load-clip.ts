import { readFile } from 'node:fs/promises';
import { type Clip, parseClip } from './clip.ts';

/** Reads a clip: the name of one that is committed (`clock-h264-aac`), or a path. Rejects where it cannot be read. */
export async function loadClip(name: string): Promise<Clip> {
  const file = /^[\w-]+$/.test(name) ? new URL(`../clips/${name}.clip`, import.meta.url) : name;
  return parseClip(await readFile(file));
}
