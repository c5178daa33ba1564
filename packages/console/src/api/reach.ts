import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let answers = true;

/** Notes whether the server answered the last request. */
export function reportReach(answered: boolean): void {
  if (answered === answers) return;
  answers = answered;
  for (const listener of listeners) listener();
}

/** False while requests stay without an answer. */
export function useServerAnswers(): boolean {
  return useSyncExternalStore(subscribe, () => answers);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
