/**
 * Resolves in the next turn of the event loop. The database works on the thread of everything else: what reads or writes
 * much does it in pieces of a few milliseconds, with this between them.
 */
export function letOthersRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
