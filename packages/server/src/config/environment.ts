import type { KeyPath } from './key-path.ts';

/** What is told of the variables that strings name. */
export interface EnvironmentNotes {
  /** The variable is not set. */
  missing(path: KeyPath, name: string): void;
  /** `${…}` around something that names no variable, such as `NAME:-default` of a shell. */
  malformed(path: KeyPath, written: string): void;
  /** The value of the variable stands in this string; with `isWhole` nothing else does. */
  inserted(path: KeyPath, name: string, isWhole: boolean): void;
}

/**
 * Puts environment variables where strings say `${NAME}`; `$${` is a plain `${`. Keys stay as they are, and so does `${`
 * without an end.
 */
export function insertEnvironment(
  value: unknown,
  { environment, notes }: { environment: Readonly<Record<string, string | undefined>>; notes: EnvironmentNotes },
  path: KeyPath = [],
): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(/(\$?)\$\{([^{}]*)\}/g, (whole, extraDollar: string, name: string) => {
      if (extraDollar !== '') return whole.slice(1);
      const found = environment[name];
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) notes.malformed(path, whole);
      else if (found === undefined) notes.missing(path, name);
      else notes.inserted(path, name, whole === value);
      return found ?? '';
    });
  }
  const parts = { environment, notes };
  if (Array.isArray(value)) return value.map((element, i) => insertEnvironment(element, parts, [...path, i]));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, insertEnvironment(inner, parts, [...path, key])]),
  );
}
