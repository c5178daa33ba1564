import { isIPv6 } from 'node:net';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';

/** Wrong passwords that cost nothing: people mistype. */
const freeFailures = 4;
const firstDelayMs = 1000;
/** By address the delay grows up to 15 minutes; by name only to 30 s, so that nobody can lock somebody else out. */
const maxAddressDelayMs = 15 * 60_000;
const maxNameDelayMs = 30_000;
const forgetAfterMs = 3_600_000;
const maxEntries = 10_000;

interface Entry {
  failures: number;
  lastMs: number;
  untilMs: number;
}

/** Slows down whoever guesses passwords: a delay that doubles with each failure, by address and by name. */
export class LoginThrottle {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws `resource_exhausted` (`LOGIN_THROTTLED`) with the seconds to wait, while it is too early to try again. */
  check(address: string, name: string): void {
    const nowMs = this.#clock.monotonicMs();
    const waitMs = Math.max(...keysOf(address, name).map((key) => (this.#entries.get(key)?.untilMs ?? 0) - nowMs));
    if (waitMs <= 0) return;
    const seconds = Math.ceil(waitMs / 1000);
    throw new WatchpostError(`too many wrong passwords — try again in ${seconds} s`, {
      kind: 'resource_exhausted',
      code: 'LOGIN_THROTTLED',
      context: { retryAfterSeconds: seconds },
    });
  }

  /** Notes a wrong password. */
  failed(address: string, name: string): void {
    const nowMs = this.#clock.monotonicMs();
    const [byAddress, byName] = keysOf(address, name);
    this.#note(byAddress!, nowMs, maxAddressDelayMs);
    this.#note(byName!, nowMs, maxNameDelayMs);
  }

  /** Notes a right password: what this address mistyped under this name is forgotten. */
  succeeded(address: string, name: string): void {
    for (const key of keysOf(address, name)) this.#entries.delete(key);
  }

  #note(key: string, nowMs: number, maxDelayMs: number): void {
    const known = this.#entries.get(key);
    const entry = known && nowMs - known.lastMs < forgetAfterMs ? known : { failures: 0, lastMs: nowMs, untilMs: 0 };
    entry.failures++;
    entry.lastMs = nowMs;
    const over = entry.failures - freeFailures;
    if (over > 0) entry.untilMs = nowMs + Math.min(firstDelayMs * 2 ** Math.min(over - 1, 20), maxDelayMs);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > maxEntries) this.#entries.delete(this.#entries.keys().next().value!);
  }
}

function keysOf(address: string, name: string): string[] {
  return [`address ${networkOf(address)}`, `name ${name.slice(0, 64).toLowerCase()}`];
}

/** One household has a whole /64 of IPv6 addresses (RFC 6177). */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('%', 1)[0]!.split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  return [...groups, ...Array<string>(Math.max(missing, 0)).fill('0'), ...(tail ? tail.split(':') : [])]
    .slice(0, 4)
    .join(':');
}
