import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { onLiveEvent } from '../api/live-events.ts';
import { fetchEvents } from '../api/queries.ts';
import type { EventRecord } from '../api/types.ts';
import { PageTitle } from '../components/page-title.tsx';
import { CameraField, ChoiceField, RecordPages, RecordRow } from '../components/record-pages.tsx';
import { eventDetail } from '../i18n/event-text.ts';
import { useWords } from '../i18n/language.ts';
import { isMessageKey } from '../i18n/translate.ts';

const levels = ['info', 'warning', 'error'] as const;
const types = [
  'stream.online',
  'stream.offline',
  'stream.added',
  'stream.removed',
  'stream.stopped',
  'stream.idle',
  'stream.source',
  'recording.started',
  'recording.stopped',
  'recording.gap',
  'recording.error',
  'recording.backfilled',
  'recording.lost',
  'disk.low',
  'disk.full',
  'disk.missing',
  'disk.error',
  'disk.back',
  'agent.enrolled',
  'agent.online',
  'agent.offline',
  'agent.notice',
  'agent.duplicate',
  'agent.released',
  'agent.revoked',
  'config.reloaded',
  'config.rejected',
  'certificate.expiring',
  'webhook.failing',
  'webhook.recovered',
  'webhook.dropping',
  'registration.failing',
  'registration.recovered',
  'registration.refused',
  'auth.setup',
  'auth.login',
  'auth.login_failed',
  'auth.token_created',
  'server.clock_step',
] as const;

interface Filter {
  readonly level: string;
  readonly stream: string;
  readonly type: string;
}

/** What happened, newest first; new events come in by themselves. */
export function EventsPage() {
  const { t } = useWords();
  const [filter, setFilter] = useState<Filter>({ level: '', stream: '', type: '' });
  const pages = useEventPages(filter);
  const arrived = useArrived(filter);
  const old = pages.data?.pages.flatMap((page) => page.events) ?? [];
  const known = new Set(old.map((event) => event.id));
  const events = [...arrived.filter((event) => !known.has(event.id)), ...old];
  return (
    <div className="page">
      <header className="page-head">
        <PageTitle>{t('nav.events')}</PageTitle>
      </header>
      <EventFilter filter={filter} onChange={setFilter} />
      <RecordPages pages={pages} rows={events} className="" empty={{ icon: 'events', title: t('events.none') }}>
        {(event) => <EventRow event={event} />}
      </RecordPages>
    </div>
  );
}

function useEventPages(filter: Filter) {
  return useInfiniteQuery({
    queryKey: ['events', filter.level, filter.stream, filter.type],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam }) =>
      fetchEvents({
        level: filter.level || undefined,
        stream_id: filter.stream || undefined,
        type: filter.type || undefined,
        before: pageParam,
      }),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

function matches(filter: Filter, event: EventRecord): boolean {
  return (
    (filter.level === '' || levels.indexOf(event.level) >= levels.indexOf(filter.level as (typeof levels)[number])) &&
    (filter.stream === '' || event.stream_id === filter.stream) &&
    (filter.type === '' || event.type === filter.type)
  );
}

/** At most so many events are kept that came in while the page is open. */
const maxArrived = 500;

function useArrived(filter: Filter): EventRecord[] {
  const [arrived, setArrived] = useState<EventRecord[]>([]);
  useEffect(() => onLiveEvent((event) => setArrived((before) => [event, ...before].slice(0, maxArrived))), []);
  return arrived.filter((event) => matches(filter, event));
}

function EventFilter({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const { t } = useWords();
  return (
    <div className="filters">
      <ChoiceField
        label={t('events.level')}
        value={filter.level}
        choices={levels.map((level) => ({ value: level, text: t(`level.${level}`) }))}
        onChoose={(level) => onChange({ ...filter, level })}
      />
      <CameraField value={filter.stream} withSecond onChoose={(stream) => onChange({ ...filter, stream })} />
      <ChoiceField
        label={t('events.type')}
        value={filter.type}
        choices={types.map((type) => ({ value: type, text: t(`event.${type}`) }))}
        onChoose={(type) => onChange({ ...filter, type })}
      />
    </div>
  );
}

/** One event. */
export function EventRow({ event }: { event: EventRecord }) {
  const words = useWords();
  const { t } = words;
  const key = `event.${event.type}`;
  return (
    <RecordRow
      at={event.at}
      tone={event.level}
      kind={<span className={`badge badge-level-${event.level}`}>{t(`level.${event.level}`)}</span>}
      headline={isMessageKey(key) ? t(key) : event.type}
      streamId={event.stream_id}
      detail={eventDetail(words, event)}
    />
  );
}
