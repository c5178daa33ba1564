import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';

/** Editors write a file in several steps. */
const settleMs = 1000;

/**
 * Calls `changed` a second after the last change of a file. Its folder is watched, because editors put a new file in the
 * place of the old one; so do Kubernetes' volumes, with a link `..data`. Where the system cannot watch, it is told once.
 */
export function watchFile(path: string, parts: { clock: Clock; logger: Logger }, changed: () => void): Disposable {
  const { clock, logger } = parts;
  const name = basename(path);
  let cancel: (() => void) | undefined;
  let watcher: FSWatcher | undefined;
  const give = (error: unknown) => {
    watcher?.close();
    logger.info('The configuration file is not watched; SIGHUP reads it again', { error: String(error) });
  };
  try {
    watcher = watch(dirname(path), { persistent: false }, (_event, file) => {
      if (file !== null && file !== name && !file.startsWith('..')) return;
      cancel?.();
      cancel = clock.after(settleMs, changed);
    });
    watcher.on('error', give);
  } catch (error) {
    give(error);
  }
  return {
    [Symbol.dispose]: () => {
      cancel?.();
      watcher?.close();
    },
  };
}
