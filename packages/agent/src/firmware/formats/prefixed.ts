import type { ArchiveFile } from '../archive/tar.ts';

/** The same files in a folder, which ends in a slash. */
export function prefixed(folder: string, files: readonly ArchiveFile[]): ArchiveFile[] {
  return files.map((file) => ({ ...file, path: folder + file.path }));
}
