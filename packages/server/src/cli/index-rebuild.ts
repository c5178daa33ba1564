import { join } from 'node:path';
import { systemClock } from '@watchpost/base/clock.ts';
import { openDatabase } from '../catalog/database.ts';
import { lockDataDir } from '../catalog/server-lock.ts';
import { VolumeStore } from '../catalog/volume-store.ts';
import { rebuildIndex } from '../recorder/rebuild-index.ts';
import { LocalStorage } from '../storage/local/local-storage.ts';
import { type Command, EXIT } from './command.ts';
import { configOrDefault } from './configuration.ts';
import { loggerOf } from './serve.ts';
import { pickAction } from './user.ts';

/** `watchpost index rebuild`: the database's rows of recordings, made again from the files; while no server runs. */
export const indexCommand: Command = {
  usage: 'index <action>',
  description: 'rebuild: make the index of recordings again from the files (stop the server first)',
  flags: [],
  examples: ['index rebuild -c watchpost.toml'],
  async run([action], flags) {
    pickAction('index', action, { rebuild: true });
    const config = await configOrDefault(flags);
    const logger = loggerOf(flags);
    await using stack = new AsyncDisposableStack();
    stack.use(lockDataDir(config.dataDir));
    const database = stack.adopt(await openDatabase(join(config.dataDir, 'watchpost.db')), (db) => db.destroy());
    const registry = new VolumeStore(database);
    const backends: LocalStorage[] = [];
    for (const { name, basePath } of config.storage.backends)
      backends.push(stack.use(await LocalStorage.open({ name, basePath, registry, clock: systemClock, logger })));
    const summary = await rebuildIndex({
      database,
      backends,
      logger,
      progress: ({ files }) => {
        if (process.stderr.isTTY === true) process.stderr.write(`\r${files} files`);
      },
    });
    const { files, adopted, repaired, dropped, ignored } = summary;
    if (flags['json'] === true) process.stdout.write(`${JSON.stringify(summary)}\n`);
    else
      process.stdout.write(
        `${files} files: ${adopted} added, ${repaired} mended, ${dropped} rows without a file removed, ${ignored} files left alone\n`,
      );
    return EXIT.fine;
  },
};
