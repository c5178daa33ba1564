import type { ErrorContext } from '@watchpost/base/errors.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';

/** The error for bytes that cannot be: kind `malformed`, `code` upper snake case with the area first. */
export function malformed(code: string, message: string, context: ErrorContext = {}): WatchpostError {
  return new WatchpostError(message, { kind: 'malformed', code, context });
}
