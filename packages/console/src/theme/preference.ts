import { useSyncExternalStore } from 'react';

/** A choice of this browser, kept in local storage. */
export interface Preference<T extends string> {
  get(): T;
  set(value: T): void;
  use(): T;
}

/** Makes a preference; a stored value that `isValid` refuses counts as the default. */
export function createPreference<T extends string>(
  key: string,
  initial: T,
  isValid: (text: string) => text is T,
): Preference<T> {
  const listeners = new Set<() => void>();
  let value: T | undefined;
  const get = (): T => {
    value ??= read(key, initial, isValid);
    return value;
  };
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    get,
    set(next) {
      value = next;
      try {
        localStorage.setItem(key, next);
      } catch {
        // Private windows may refuse to store; the choice then lasts until the page is closed.
      }
      for (const listener of listeners) listener();
    },
    use: () => useSyncExternalStore(subscribe, get),
  };
}

function read<T extends string>(key: string, initial: T, isValid: (text: string) => text is T): T {
  try {
    const stored = localStorage.getItem(key);
    return stored !== null && isValid(stored) ? stored : initial;
  } catch {
    return initial;
  }
}
