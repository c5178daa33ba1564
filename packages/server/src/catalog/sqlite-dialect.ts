import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';
import { toWriteTrouble } from './write-trouble.ts';

/** Prepared statements that are kept; past it the oldest is dropped. */
const maxStatements = 256;

/** How long a statement waits for another process that writes to the same file. */
const busyTimeoutMs = 5000;

/**
 * Kysely's dialect over `node:sqlite`: write-ahead log, foreign keys, statements prepared once. `path` is a file, whose
 * folder is made, or `:memory:`. Throws `unavailable` (`DATABASE_UNAVAILABLE`) where it cannot be opened.
 */
export function sqliteDialect(path: string): SqliteDialect {
  return new SqliteDialect({ database: new NodeSqlite(open(path)) });
}

function open(path: string): DatabaseSync {
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
    const database = new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
    // NORMAL: consistent after a power cut; the last commits may be missing, and recovery finds them in the files.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;');
    return database;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WatchpostError(
      `the database ${path} cannot be opened: ${reason} — is the folder writable, and the file a Watchpost database?`,
      { kind: 'unavailable', code: 'DATABASE_UNAVAILABLE', context: { path }, cause },
    );
  }
}

class NodeSqlite implements SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, NodeSqliteStatement>();

  /** A full disk ends the transaction by itself; an error about that would hide the one that says why. */
  readonly #rollback: SqliteStatement = {
    reader: false,
    all: () => [],
    run: () => {
      if (this.#database.isTransaction) this.#database.exec('rollback');
      return { changes: 0, lastInsertRowid: 0 };
    },
    iterate: () => [][Symbol.iterator](),
  };

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  prepare(sql: string): SqliteStatement {
    if (sql === 'rollback') return this.#rollback;
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = new NodeSqliteStatement(this.#database.prepare(sql));
    // A change of the schema makes old statements wrong about their columns.
    if (/^\s*(create|alter|drop|pragma)/i.test(sql)) {
      this.#statements.clear();
      return statement;
    }
    if (this.#statements.size >= maxStatements) this.#statements.delete(this.#statements.keys().next().value!);
    this.#statements.set(sql, statement);
    return statement;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

class NodeSqliteStatement implements SqliteStatement {
  readonly reader: boolean;
  readonly #statement: StatementSync;

  constructor(statement: StatementSync) {
    this.#statement = statement;
    this.reader = statement.columns().length > 0;
  }

  all(parameters: readonly unknown[]): unknown[] {
    try {
      return this.#statement.all(...parameters.map(toSqlValue));
    } catch (thrown) {
      throw toWriteTrouble(thrown);
    }
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    try {
      return this.#statement.run(...parameters.map(toSqlValue));
    } catch (thrown) {
      throw toWriteTrouble(thrown);
    }
  }

  iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    return this.#statement.iterate(...parameters.map(toSqlValue));
  }
}

/** `node:sqlite` takes neither booleans nor dates nor undefined. */
function toSqlValue(value: unknown): SQLInputValue {
  if (value === undefined) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Date) return value.getTime();
  return value as SQLInputValue;
}
