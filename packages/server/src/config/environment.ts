import type { KeyPath } from './key-path.ts';

/**
 * Puts environment variables where strings say `${NAME}`; `$${` is a plain `${`. `missing` is called for each name that
 * is not set. Keys stay as they are.
 */
export function insertEnvironment(
  value: unknown,
  environment: Readonly<Record<string, string | undefined>>,
  missing: (path: KeyPath, name: string) => void,
  path: KeyPath = [],
): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(/(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, extraDollar: string, name: string) => {
      if (extraDollar !== '') return whole.slice(1);
      const found = environment[name];
      if (found === undefined) missing(path, name);
      return found ?? '';
    });
  }
  if (Array.isArray(value))
    return value.map((element, i) => insertEnvironment(element, environment, missing, [...path, i]));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, insertEnvironment(inner, environment, missing, [...path, key])]),
  );
}
