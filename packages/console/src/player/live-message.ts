/** What the server says between the pieces of media on a live WebSocket. */
export type LiveMessage =
  | { readonly type: 'init'; readonly mime: string }
  | { readonly type: 'discontinuity' }
  | { readonly type: 'dropped' }
  | { readonly type: 'offline'; readonly reason: { kind: string; code: string; message: string } | null }
  | { readonly type: 'online' }
  /** The picture with media time `ptsSeconds` was taken at `wallMs` (ms since 1970 UTC). */
  | { readonly type: 'clock'; readonly wallMs: number; readonly ptsSeconds: number }
  | { readonly type: 'error'; readonly code: string; readonly message: string };

/** Reads one text message; null for what this version does not know. */
export function parseLiveMessage(text: string): LiveMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const message = value as Record<string, unknown>;
  switch (message['type']) {
    case 'init':
      return typeof message['mime'] === 'string' ? { type: 'init', mime: message['mime'] } : null;
    case 'discontinuity':
    case 'dropped':
    case 'online':
      return { type: message['type'] };
    case 'offline':
      return { type: 'offline', reason: readReason(message) };
    case 'clock':
      return readClock(message);
    case 'error':
      return { type: 'error', code: String(message['code'] ?? ''), message: String(message['message'] ?? '') };
    default:
      return null;
  }
}

function readReason(message: Record<string, unknown>): { kind: string; code: string; message: string } | null {
  const nested = message['reason'];
  const from = typeof nested === 'object' && nested !== null ? (nested as Record<string, unknown>) : message;
  if (typeof from['code'] !== 'string') return null;
  return { kind: String(from['kind'] ?? ''), code: from['code'], message: String(from['message'] ?? '') };
}

function readClock(message: Record<string, unknown>): LiveMessage | null {
  const { wall_ms: wallMs, pts } = message;
  if (typeof wallMs !== 'number' || typeof pts !== 'number') return null;
  return { type: 'clock', wallMs, ptsSeconds: pts };
}
