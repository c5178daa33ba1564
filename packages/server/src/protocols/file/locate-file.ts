import { realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';

/**
 * The path of the file that `file:NAME` names: below `mediaDir`, where links lead, too. Rejects with `invalid_argument`
 * where no `media_dir` is set, `forbidden` for a file elsewhere, `not_found` where there is none.
 */
export async function locateFile({ path }: SourceUrl, mediaDir: string | undefined): Promise<string> {
  if (mediaDir === undefined) throw mediaDirMissing();
  const wanted = resolve(mediaDir, path);
  // Nobody is told what there is outside.
  if (!isBelow(wanted, mediaDir)) throw outside(path, mediaDir);
  const [file, folder] = await Promise.all([realpath(wanted), realpath(mediaDir)]).catch((thrown) => {
    throw missing(path, mediaDir, thrown);
  });
  if (!isBelow(file, folder)) throw outside(path, mediaDir);
  if (!(await stat(file)).isFile()) throw missing(path, mediaDir, undefined);
  return file;
}

/** The error for a server whose configuration names no folder. */
export function mediaDirMissing(): WatchpostError {
  return new WatchpostError('files are cameras only below media_dir — name that folder in the configuration', {
    kind: 'invalid_argument',
    code: 'MEDIA_DIR_MISSING',
  });
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function outside(path: string, mediaDir: string): WatchpostError {
  return new WatchpostError(`"${path}" does not lie below media_dir "${mediaDir}" — move it there`, {
    kind: 'forbidden',
    code: 'FILE_OUTSIDE',
  });
}

function missing(path: string, mediaDir: string, cause: unknown): WatchpostError {
  return new WatchpostError(`there is no file "${path}" in media_dir "${mediaDir}" — check its name`, {
    kind: 'not_found',
    code: 'FILE_NOT_FOUND',
    ...(cause !== undefined && { cause }),
  });
}
