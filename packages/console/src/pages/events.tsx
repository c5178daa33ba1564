import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { onLiveEvent } from '../api/live-events.ts';
import { fetchEvents, useStreams } from '../api/queries.ts';
import type { EventRecord } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { SelectField } from '../components/field.tsx';
import { Link } from '../components/link.tsx';
import { EmptyState, FailureNotice, Loading } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { isMessageKey } from '../i18n/translate.ts';

const levels = ['info', 'warning', 'error'] as const;
const types = [
  'stream.online',
  'stream.offline',
  'stream.added',
  'stream.removed',
  'recording.started',
  'recording.stopped',
  'recording.gap',
  'recording.error',
  'disk.low',
  'disk.full',
  'auth.login',
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
        <h1>{t('nav.events')}</h1>
      </header>
      <EventFilter filter={filter} onChange={setFilter} />
      {pages.isError ? <FailureNotice error={pages.error} onRetry={() => void pages.refetch()} /> : null}
      {pages.isPending ? <Loading /> : null}
      {pages.isSuccess && events.length === 0 ? <EmptyState icon="events" title={t('events.none')} /> : null}
      {events.length > 0 ? (
        <ol className="events card">
          {events.map((event) => (
            <EventRow key={event.id} event={event} />
          ))}
        </ol>
      ) : null}
      {pages.hasNextPage ? (
        <Button busy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          {t('events.more')}
        </Button>
      ) : null}
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
  const streams = useStreams().data ?? [];
  return (
    <div className="filters">
      <SelectField
        label={t('events.level')}
        value={filter.level}
        onChange={(event) => onChange({ ...filter, level: event.target.value })}
      >
        <option value="">{t('events.all')}</option>
        {levels.map((level) => (
          <option key={level} value={level}>
            {t(`level.${level}`)}
          </option>
        ))}
      </SelectField>
      <SelectField
        label={t('events.camera')}
        value={filter.stream}
        onChange={(event) => onChange({ ...filter, stream: event.target.value })}
      >
        <option value="">{t('events.all')}</option>
        {streams.map((stream) => (
          <option key={stream.stream_id} value={stream.stream_id}>
            {stream.title === stream.stream_id ? stream.title : `${stream.title} (${stream.stream_id})`}
          </option>
        ))}
      </SelectField>
      <SelectField
        label={t('events.type')}
        value={filter.type}
        onChange={(event) => onChange({ ...filter, type: event.target.value })}
      >
        <option value="">{t('events.all')}</option>
        {types.map((type) => (
          <option key={type} value={type}>
            {t(`event.${type}`)}
          </option>
        ))}
      </SelectField>
    </div>
  );
}

function EventRow({ event }: { event: EventRecord }) {
  const { t, formats } = useWords();
  const key = `event.${event.type}`;
  const at = Date.parse(event.at);
  return (
    <li className={`event event-${event.level}`}>
      <time dateTime={event.at} title={event.at}>
        {formats.dateTime(at)}
      </time>
      <span className={`badge badge-level-${event.level}`}>{t(`level.${event.level}`)}</span>
      <div>
        <strong>{isMessageKey(key) ? t(key) : event.type}</strong>
        {event.stream_id ? (
          <Link href={`/streams/${event.stream_id.replace(/\.sub$/, '')}`}>{event.stream_id}</Link>
        ) : null}
        <p>{event.message}</p>
      </div>
    </li>
  );
}
