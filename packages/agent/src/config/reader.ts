import { WatchpostError } from '@watchpost/base/errors.ts';

/** A value that was wrong, with its place: `tunnel.targets[1]: "x" is no HOST:PORT`. */
export type ConfigProblem = string;

/** What was wrong so far. */
export class ConfigProblems {
  readonly list: ConfigProblem[] = [];
  /** Where each key that was asked for stands, by its name; that of the last section that has one. */
  readonly keys: Map<string, string> = new Map();

  /** The problems; unknown keys with the place where they are known, if there is one. */
  told(): ConfigProblem[] {
    return this.list.map((problem) => {
      const name = /([^. ]*) is unknown/.exec(problem)?.[1];
      const place = name === undefined ? undefined : this.keys.get(name);
      return place === undefined ? problem : `${problem.replace(/ — .*/, '')} here — there is ${place}`;
    });
  }
}

/**
 * Reads an object of a configuration key by key, notes what is wrong with its place and cure, and in the end what it
 * does not know.
 */
export class ConfigReader {
  readonly #value: Record<string, unknown>;
  readonly #path: string;
  readonly #problems: ConfigProblems;
  readonly #known = new Set<string>();

  constructor(value: unknown, path: string, problems: ConfigProblems) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!isObject && value !== undefined) problems.list.push(`${path || 'the configuration'} must be an object: { … }`);
    this.#value = isObject ? (value as Record<string, unknown>) : {};
    this.#path = path;
    this.#problems = problems;
  }

  /** The object below a key; an empty one where it is missing. */
  section(key: string): ConfigReader {
    return new ConfigReader(this.#take(key), this.#at(key), this.#problems);
  }

  /** The objects of a list. */
  sections(key: string, max: number): ConfigReader[] {
    return this.#list(key, max).map(
      (item, i) => new ConfigReader(item ?? {}, `${this.#at(key)}[${i}]`, this.#problems),
    );
  }

  /** A text that matches; `''` counts as missing. */
  text(key: string, rule?: { readonly pattern: RegExp; readonly cure: string }): string | undefined {
    const value = this.#take(key);
    if (value === undefined || value === '') return undefined;
    if (typeof value !== 'string') return this.wrong(key, 'must be a text in quotes');
    if (rule && !rule.pattern.test(value)) return this.wrong(key, rule.cure);
    return value;
  }

  /** One of some words. */
  choice<T extends string>(key: string, words: readonly T[], fallback: T): T {
    const value = this.#take(key);
    if (value === undefined) return fallback;
    if (words.includes(value as T)) return value as T;
    this.wrong(key, `must be one of ${words.map((word) => `"${word}"`).join(', ')}`);
    return fallback;
  }

  /** A number within bounds, both included. */
  number<T extends number | undefined>(
    key: string,
    bounds: readonly [min: number, max: number],
    fallback: T,
  ): number | T {
    const value = this.#take(key);
    if (value !== undefined && this.#isWithin(value, bounds, key)) return value;
    return fallback;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#take(key);
    if (value === undefined || typeof value === 'boolean') return value ?? fallback;
    this.wrong(key, 'must be true or false');
    return fallback;
  }

  /** A list of texts; one text counts as a list of one. */
  texts(key: string, max: number): string[] {
    const value = this.#take(key);
    if (typeof value === 'string') return value === '' ? [] : [value];
    return this.#list(key, max).filter(
      (item, i): item is string => typeof item === 'string' || !!this.wrong(`${key}[${i}]`, 'must be a text in quotes'),
    );
  }

  /** A list of numbers within bounds. */
  numbers(key: string, max: number, bounds: readonly [min: number, max: number]): number[] | undefined {
    if (this.#take(key) === undefined) return undefined;
    return this.#list(key, max).filter((item, i) => this.#isWithin(item, bounds, `${key}[${i}]`));
  }

  /** Notes that the value of a key is wrong; undefined. */
  wrong(key: string, cure: string): undefined {
    this.#problems.list.push(`${this.#at(key)}${cure.startsWith(':') ? '' : ' '}${cure}`);
  }

  /** To be called last: keys that nobody asked for are wrong. */
  end(): void {
    for (const key of Object.keys(this.#value))
      if (!this.#known.has(key) && !key.startsWith('//'))
        this.wrong(key, `is unknown — known here: ${[...this.#known].join(', ')}`);
  }

  #isWithin(value: unknown, [min, max]: readonly [number, number], key: string): value is number {
    const isWithin = typeof value === 'number' && value >= min && value <= max;
    if (!isWithin) this.wrong(key, `must be a number from ${min} to ${max}`);
    return isWithin;
  }

  #list(key: string, max: number): unknown[] {
    const value = this.#take(key);
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.wrong(key, 'must be a list: [ … ]');
      return [];
    }
    if (value.length > max) this.wrong(key, `has ${value.length} entries; at most ${max} are allowed`);
    return value.slice(0, max);
  }

  #take(key: string): unknown {
    this.#known.add(key);
    this.#problems.keys.set(key, this.#at(key));
    return this.#value[key] ?? undefined;
  }

  #at(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`;
  }
}

/** The error for a configuration that cannot be used. */
export function configError(message: string, cause?: unknown): WatchpostError {
  return new WatchpostError(message, { kind: 'invalid_argument', code: 'AGENT_CONFIG_INVALID', cause });
}
