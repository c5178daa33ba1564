import { userInfo } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@watchpost/base/clock.ts';
import { AuditLog } from '../catalog/audit/audit-log.ts';
import { type Database, openDatabase } from '../catalog/database.ts';
import { Identity } from '../catalog/identity/identity.ts';
import { makeFolders } from '../storage/local/make-folders.ts';
import type { Flags } from './command.ts';
import { configOrDefault } from './configuration.ts';
import { createLogger } from './logger.ts';

/**
 * Calls `body` with the identities of the configuration's database, which may be in use by a running server. `change` is
 * what it changes, for the audit log: an operation of the API, and whom it concerns.
 */
export async function withIdentity<T>(
  flags: Flags,
  body: (identity: Identity) => Promise<T>,
  change?: string,
): Promise<T> {
  const { dataDir } = await configOrDefault(flags);
  await makeFolders(dataDir, 0o750);
  const database = await openDatabase(join(dataDir, 'watchpost.db'));
  try {
    const result = await body(await Identity.open(database, systemClock));
    if (change !== undefined) await writeDown(database, change);
    return result;
  } finally {
    await database.destroy();
  }
}

async function writeDown(database: Database, change: string): Promise<void> {
  const logger = createLogger({
    ...{ format: 'pretty', verbose: false, colour: false, now: Date.now },
    write: (line) => process.stderr.write(line),
  });
  await using audit = new AuditLog({ database, clock: systemClock, logger });
  audit.record({
    action: 'configure',
    user: accountName(),
    via: 'command line',
    address: undefined,
    userAgent: '',
    detail: change,
  });
}

/** Of whoever runs the command; containers have user numbers without a name. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
}
