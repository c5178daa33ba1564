import { redactUrl } from '@watchpost/base/source-url.ts';
import type { EventRecord } from '../../catalog/types.ts';

const secretName = /password|passwd|pwd|secret|token|authorization|cookie|credential/i;
const maxDepth = 8;

/** The body of a delivery: the event as `GET /events` shows it, without credentials wherever they got into it. */
export function toBody(event: EventRecord): string {
  return JSON.stringify({
    id: event.id,
    at: new Date(event.atMs).toISOString(),
    type: event.type,
    level: event.level,
    stream_id: event.streamId ?? null,
    reason: event.reason ?? null,
    message: redactText(event.message),
    data: redact(event.data ?? {}, 0),
  });
}

function redact(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= maxDepth) return null;
  if (Array.isArray(value)) return value.map((inner) => redact(inner, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, secretName.test(key) ? '***' : redact(inner, depth + 1)]),
  );
}

/** Addresses in a text, each without credentials. */
function redactText(text: string): string {
  return text.replaceAll(/[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^\s"'<>]+/g, (url) => redactUrl(url));
}
