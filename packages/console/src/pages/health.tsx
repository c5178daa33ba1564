import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { fetchEvents, useStorage, useStreams } from '../api/queries.ts';
import type { Stream } from '../api/types.ts';
import { Link } from '../components/link.tsx';
import { Awaited, Notice } from '../components/notice.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { RecordingDot, StateBadge, shownState } from '../components/state-badge.tsx';
import { useNow } from '../components/use-now.ts';
import { reasonText } from '../i18n/failure-text.ts';
import { useWords } from '../i18n/language.ts';
import { useIsAdmin, useSignedIn } from '../session.tsx';
import { EventRow } from './events.tsx';
import { type HealthProblem, healthProblems, streamHref } from './health-problems.ts';
import { RegistrationsCard } from './registrations-card.tsx';
import { ServerCard } from './server-card.tsx';
import { useServerHistory } from './use-server-history.ts';

/** Whether all is well, and what is not: the server, every camera, disks, ways to watch, what happened lately. */
export function HealthPage() {
  const { t } = useWords();
  const query = useStreams();
  const streams = query.data;
  const storage = useStorage().data ?? null;
  const history = useServerHistory();
  const isAdmin = useIsAdmin();
  if (streams === undefined) return <Awaited query={query} />;
  const problems = healthProblems({ streams, storage, server: history.last });
  return (
    <div className="page">
      <header className="page-head">
        <PageTitle>{t('nav.health')}</PageTitle>
      </header>
      {problems.length === 0 ? <Notice tone="success">{t('health.well')}</Notice> : <Problems problems={problems} />}
      <ServerCard history={history} />
      <div className="health-columns">
        <Cameras streams={streams} />
        <div className="health-side">
          {storage === null ? null : (
            <section className="card">
              <h2>
                <Link href="/storage">{t('nav.storage')}</Link>
              </h2>
              <ul className="health-list">
                {storage.backends.map(({ name, state, message }) => (
                  <HealthRow
                    key={name}
                    name={name}
                    badge={<span className={`badge badge-disk-${state}`}>{t(`disk.state.${state}`)}</span>}
                    detail={message}
                  />
                ))}
              </ul>
            </section>
          )}
          {history.last === null ? null : (
            <section className="card">
              <h2>{t('health.outputs')}</h2>
              <ul className="health-list">
                {history.last.outputs.map(({ name, listening }) => (
                  <HealthRow
                    key={name}
                    name={name}
                    badge={
                      <span className={`badge badge-${listening ? 'online' : 'offline'}`}>
                        {t(listening ? 'health.listens' : 'health.listens_not')}
                      </span>
                    }
                    detail={listening ? null : t('health.output_hint')}
                  />
                ))}
              </ul>
            </section>
          )}
        </div>
      </div>
      {isAdmin ? <RegistrationsCard /> : null}
      <RecentWarnings />
    </div>
  );
}

function Problems({ problems }: { problems: readonly HealthProblem[] }) {
  const { t } = useWords();
  return (
    <Notice tone={problems[0]?.level === 'error' ? 'error' : 'warning'}>
      <p className="notice-headline">{t('health.problems', { count: problems.length })}</p>
      <ul className="health-problems">
        {problems.map((problem) => (
          <li key={`${problem.id} ${problem.name}`}>
            {t(`health.problem.${problem.id}`)}
            {': '}
            {problem.href === null ? <b>{problem.name}</b> : <Link href={problem.href}>{problem.name}</Link>}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

/** The worst first. */
const stateOrder: readonly ReturnType<typeof shownState>[] = [
  ...(['offline', 'connecting', 'online', 'on_demand', 'awaits_publisher', 'stopped'] as const),
];

function Cameras({ streams }: { streams: readonly Stream[] }) {
  const words = useWords();
  const { t, formats } = words;
  const { clockOffsetMs } = useSignedIn();
  const nowMs = useNow(10_000) + clockOffsetMs;
  const rank = (stream: Stream) =>
    stateOrder.indexOf(shownState(stream)) - (stream.recording.state === 'error' ? stateOrder.length : 0);
  const sorted = [...streams].sort((a, b) => rank(a) - rank(b) || a.title.localeCompare(b.title));
  const online = streams.filter(({ state }) => state === 'online').length;
  const awaiting = streams.filter((stream) => stream.awaits_publisher).length;
  const idle = streams.filter(({ state }) => state === 'on_demand' || state === 'stopped').length;
  return (
    <section className="card">
      <header className="card-head">
        <h2>{t('health.cameras')}</h2>
        <span className="muted">
          {t('health.online', { count: online, total: streams.length - awaiting - idle })}
          {awaiting === 0 ? null : ` · ${t('health.awaiting', { count: awaiting })}`}
        </span>
      </header>
      <ul className="health-list">
        {sorted.map((stream) => (
          <HealthRow
            key={stream.stream_id}
            name={
              <>
                <Link href={streamHref(stream)}>{stream.title || stream.stream_id}</Link>
                {stream.main_stream_id === null ? null : <span className="muted"> {t('details.sub')}</span>}
              </>
            }
            badge={
              <>
                <RecordingDot recording={stream.recording} />
                <span className="muted" title={formats.dateTime(Date.parse(stream.since))}>
                  {formats.duration(Math.max(0, nowMs - Date.parse(stream.since)))}
                </span>
                <StateBadge stream={stream} />
              </>
            }
            detail={whyNot(stream, words)}
          />
        ))}
      </ul>
    </section>
  );
}

function whyNot(stream: Stream, words: ReturnType<typeof useWords>): string | null {
  if (stream.recording.state === 'error') return `${words.t('recording.problem')} ${stream.recording.detail ?? ''}`;
  if (stream.reason === null) return null;
  const { headline, detail } = reasonText(words, stream.reason);
  return detail ? `${headline} — ${detail}` : headline;
}

function HealthRow({ name, badge, detail }: { name: ReactNode; badge: ReactNode; detail: string | null }) {
  return (
    <li>
      <span className="health-name">{name}</span>
      <span className="health-badge">{badge}</span>
      {detail ? <p className="muted">{detail}</p> : null}
    </li>
  );
}

function RecentWarnings() {
  const { t } = useWords();
  const query = useQuery({
    queryKey: ['events', 'recent'],
    queryFn: () => fetchEvents({ level: 'warning', limit: 12 }),
    refetchInterval: 10_000,
  });
  const events = query.data?.events ?? [];
  return (
    <section>
      <header className="card-head health-head">
        <h2>{t('health.recent')}</h2>
        <Link href="/events">{t('health.all_events')}</Link>
      </header>
      {events.length === 0 ? (
        <p className="muted">{t('events.none')}</p>
      ) : (
        <ol className="events card">
          {events.map((event) => (
            <EventRow key={event.id} event={event} />
          ))}
        </ol>
      )}
    </section>
  );
}
