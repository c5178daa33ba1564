import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let answers = true;

/** Notes whether the server answered the last request. */
export function reportReach(answered: boolean): void {
  if (answered === answers) return;
  answers = answered;
  for (const listener of listeners) listener();
}

/** Calls back when the server answers again after requests without an answer. Returns the function that stops it. */
export function onServerBack(listener: () => void): () => void {
  return subscribe(() => {
    if (answers) listener();
  });
}

/** False while requests stay without an answer. */
export function useServerAnswers(): boolean {
  return useSyncExternalStore(subscribe, () => answers);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
