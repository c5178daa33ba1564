import type { EventRecord } from '../api/types.ts';
import type { Words } from './language.ts';
import { isMessageKey } from './translate.ts';

/** Events of which the headline tells all. */
const sayAll: ReadonlySet<string> = new Set([
  ...['stream.added', 'stream.removed', 'stream.online', 'stream.idle', 'stream.stopped'],
  ...['recording.started', 'recording.stopped', 'recording.gap'],
]);

/** Events of which their data tell the rest, in any language. */
const namedIn: Readonly<Record<string, readonly string[]>> = {
  'auth.setup': ['user', 'address'],
  'auth.login': ['user', 'address'],
  'auth.login_failed': ['user', 'address'],
  'webhook.failing': ['url', 'why'],
  'webhook.recovered': ['url'],
};

/** What there is to say about an event beside its headline; the server's sentence where there are no words of ours. */
export function eventDetail(
  { t, language, formats }: Pick<Words, 't' | 'language' | 'formats'>,
  event: EventRecord,
): string {
  if (language === 'en') return event.message;
  const away = event.data['gap_seconds'];
  if (typeof away === 'number') return t('event.away', { duration: formats.duration(away * 1000) });
  const keys = [`gap.${event.reason}`, `failure.code.${event.reason}`, `failure.${event.data['kind']}`];
  const key = keys.find(isMessageKey);
  if (key !== undefined) return t(key);
  const named = namedIn[event.type]?.map((name) => event.data[name]).filter((value) => typeof value === 'string');
  if (named !== undefined && named.length > 0) return named.join(' · ');
  return sayAll.has(event.type) ? '' : event.message;
}
