import { join } from 'node:path';
import { systemClock } from '@watchpost/base/clock.ts';
import { openDatabase } from '../catalog/database.ts';
import { Identity } from '../catalog/identity/identity.ts';
import { makeFolders } from '../storage/local/make-folders.ts';
import type { Flags } from './command.ts';
import { configOrDefault } from './configuration.ts';

/** Calls `body` with the identities of the configuration's database, which may be in use by a running server. */
export async function withIdentity<T>(flags: Flags, body: (identity: Identity) => Promise<T>): Promise<T> {
  const { dataDir } = await configOrDefault(flags);
  await makeFolders(dataDir, 0o750);
  const database = await openDatabase(join(dataDir, 'watchpost.db'));
  try {
    return await body(await Identity.open(database, systemClock));
  } finally {
    await database.destroy();
  }
}
