import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { Identity } from '../../catalog/identity/identity.ts';
import type { Rights } from '../../catalog/identity/types.ts';
import type { Grant } from '../../hub/types.ts';
import type { AuthSettings } from '../dependencies.ts';
import { anybodyBearer, type Bearer, bearerOf, standingsOf } from './bearer.ts';
import type { Principal } from './principal.ts';

/** Another process may revoke, and time does. */
const lookEveryMs = 1000;

/** What a `GrantWatch` works with. */
export interface GrantWatchOptions {
  readonly identity: Identity;
  readonly auth: () => AuthSettings;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What was granted. */
export interface Granted {
  /** Throws where the rights do not suffice any more. */
  readonly check: (rights: Rights) => void;
  /** `GrantWatch.changes` from before the rights were read; they are read again at once where it is missing. */
  readonly changes?: number;
}

interface Watched {
  readonly check: (rights: Rights) => void;
  readonly end: (reason: WatchpostError) => void;
}

/** All that goes on by the credentials of one bearer. */
interface Group {
  readonly bearer: Bearer;
  readonly members: Set<Watched>;
  expiresMs: number;
}

/**
 * Ends what goes on for longer than a request when the right to it ends: looks at once when this process takes a right
 * away, else each second whether another process has, a term is over, or a login is required by now. Only then rows are read: one query for each kind
 * of credentials, however many viewers there are.
 */
export class GrantWatch {
  readonly #options: GrantWatchOptions;
  readonly #groups = new Map<string, Group>();
  #changes = 0;
  #version: number | undefined;
  #cancelLook: (() => void) | undefined;
  #reviewing: Promise<void> | undefined;
  #isStale = false;

  constructor(options: GrantWatchOptions) {
    this.#options = options;
    options.identity.onChange(() => void this.#reviewAll());
  }

  /** Counts what was taken away, of anybody. */
  get changes(): number {
    return this.#changes;
  }

  /** Bearers whose rights are watched. */
  get watched(): number {
    return this.#groups.size;
  }

  /** Leave for `principal`, for as long as `check` is content with its rights. */
  grant(principal: Principal, granted: Granted): Grant {
    const bearer = bearerOf(principal);
    return {
      onEnd: (end) => {
        const watched: Watched = { check: granted.check, end };
        const group = this.#add(bearer, watched, principal.expiresMs);
        if (granted.changes !== this.#changes) void this.#reviewGroups([group]).catch((thrown) => this.#failed(thrown));
        return () => this.#remove(bearer, watched);
      },
    };
  }

  #add(bearer: Bearer, watched: Watched, expiresMs = Number.POSITIVE_INFINITY): Group {
    const group = this.#groups.get(bearer.key) ?? { bearer, members: new Set(), expiresMs };
    group.members.add(watched);
    this.#groups.set(bearer.key, group);
    if (this.#cancelLook === undefined) this.#lookLater();
    return group;
  }

  #remove(bearer: Bearer, watched: Watched): void {
    const group = this.#groups.get(bearer.key);
    if (group === undefined || !group.members.delete(watched) || group.members.size > 0) return;
    this.#groups.delete(bearer.key);
    if (this.#groups.size > 0) return;
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    // Nobody looks until somebody comes again.
    this.#version = undefined;
  }

  #lookLater(): void {
    this.#cancelLook = this.#options.clock.after(lookEveryMs, () => {
      this.#cancelLook = undefined;
      void this.#look().finally(() => {
        if (this.#groups.size > 0 && this.#cancelLook === undefined) this.#lookLater();
      });
    });
  }

  async #look(): Promise<void> {
    const { identity, clock } = this.#options;
    try {
      const version = await identity.version();
      const hasChanged = version !== this.#version;
      this.#version = version;
      const nowMs = clock.wallMs();
      const isShut = this.#groups.has(anybodyBearer.key) && this.#options.auth().mode === 'required';
      const isOver = [...this.#groups.values()].some(({ expiresMs }) => expiresMs <= nowMs);
      if (hasChanged || isShut || isOver) await this.#reviewAll();
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  /** Looks at all again; changes during a review are looked at after it. */
  #reviewAll(): Promise<void> {
    this.#changes++;
    this.#isStale = true;
    this.#reviewing ??= this.#review().finally(() => {
      this.#reviewing = undefined;
    });
    return this.#reviewing;
  }

  async #review(): Promise<void> {
    try {
      while (this.#isStale) {
        this.#isStale = false;
        await this.#reviewGroups([...this.#groups.values()]);
      }
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  /** What goes on goes on; the next look begins with all. */
  #failed(thrown: unknown): void {
    this.#version = undefined;
    this.#options.logger.warn('Rights could not be looked up', { error: toWatchpostError(thrown).message });
  }

  async #reviewGroups(groups: readonly Group[]): Promise<void> {
    const standings = await standingsOf(
      this.#options.identity,
      groups.map(({ bearer }) => bearer),
      this.#options.auth().mode,
    );
    for (const group of groups) {
      const standing = standings.get(group.bearer.key);
      group.expiresMs = standing?.expiresMs ?? Number.POSITIVE_INFINITY;
      for (const watched of [...group.members]) {
        const reason = standing === undefined ? revoked(group.bearer) : refusal(watched, standing);
        if (reason === undefined) continue;
        this.#remove(group.bearer, watched);
        watched.end(reason);
      }
    }
  }
}

function refusal({ check }: Watched, rights: Rights): WatchpostError | undefined {
  try {
    check(rights);
    return undefined;
  } catch (thrown) {
    return toWatchpostError(thrown);
  }
}

function revoked({ kind }: Bearer): WatchpostError {
  const why =
    kind === 'anybody'
      ? 'from now on this server wants a login — log in'
      : 'the login or token that this began with was revoked, or has expired — log in again';
  return new WatchpostError(why, { kind: 'unauthenticated', code: 'ACCESS_REVOKED' });
}
