import { useStorage, useStreams } from '../api/queries.ts';
import type { Backend, Storage } from '../api/types.ts';
import { EmptyState, FailureNotice, Loading, Notice } from '../components/notice.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { StreamLink } from '../components/record-pages.tsx';
import { useWords } from '../i18n/language.ts';

/** Disks, what lies on them, and how long it will fit. */
export function StoragePage() {
  const { t } = useWords();
  const query = useStorage();
  return (
    <div className="page">
      <header className="page-head">
        <PageTitle>{t('nav.storage')}</PageTitle>
      </header>
      {query.isError ? <FailureNotice error={query.error} onRetry={() => void query.refetch()} /> : null}
      {query.isPending ? <Loading /> : null}
      {query.data ? (
        <>
          <div className="disks">
            {query.data.backends.map((backend) => (
              <DiskCard key={backend.name} backend={backend} />
            ))}
          </div>
          {query.data.backends.length === 0 ? <EmptyState icon="storage" title={t('storage.none')} /> : null}
          <StreamSizes streams={query.data.streams} />
        </>
      ) : null}
    </div>
  );
}

function DiskCard({ backend }: { backend: Backend }) {
  const { t, formats } = useWords();
  const used = Math.max(0, backend.total_bytes - backend.free_bytes);
  const others = Math.max(0, used - backend.recorded_bytes);
  const locked = Math.min(backend.locked_bytes, backend.recorded_bytes);
  const share = (bytes: number) => `${backend.total_bytes > 0 ? (bytes / backend.total_bytes) * 100 : 0}%`;
  return (
    <section className="card disk">
      <header>
        <h2>{backend.name}</h2>
        <span className={`badge badge-disk-${backend.state}`}>{t(`disk.state.${backend.state}`)}</span>
      </header>
      {backend.message ? <Notice tone={backend.state === 'ok' ? 'info' : 'warning'}>{backend.message}</Notice> : null}
      <div
        className="disk-bar"
        role="img"
        aria-label={t('storage.bar', { used: formats.bytes(used), total: formats.bytes(backend.total_bytes) })}
      >
        <span className="disk-locked" style={{ width: share(locked) }} />
        <span className="disk-recorded" style={{ width: share(backend.recorded_bytes - locked) }} />
        <span className="disk-others" style={{ width: share(others) }} />
      </div>
      <ul className="legend">
        <li className="legend-recorded">{t('storage.recordings', { size: formats.bytes(backend.recorded_bytes) })}</li>
        {backend.locked_bytes > 0 ? (
          <li className="legend-locked">{t('storage.locked', { size: formats.bytes(backend.locked_bytes) })}</li>
        ) : null}
        <li className="legend-others">{t('storage.others', { size: formats.bytes(others) })}</li>
        <li className="legend-free">
          {t('storage.free', { size: formats.bytes(backend.free_bytes), total: formats.bytes(backend.total_bytes) })}
        </li>
      </ul>
      <p className="forecast" data-short={isShort(backend) || undefined}>
        <Forecast backend={backend} />
      </p>
      <p className="muted">
        {t('storage.rate', { rate: formats.bitRate(backend.write_bytes_per_second * 8) })}
        {backend.max_bytes === null ? null : <> · {t('storage.quota', { size: formats.bytes(backend.max_bytes) })}</>}
      </p>
    </section>
  );
}

function isShort(backend: Backend): boolean {
  return backend.forecast_days !== null && backend.forecast_days < backend.retention_days;
}

function Forecast({ backend }: { backend: Backend }) {
  const { t, formats } = useWords();
  if (backend.forecast_days === null) return t('storage.forecast_unknown', { count: backend.retention_days });
  const days = formats.number(backend.forecast_days);
  if (isShort(backend)) return t('storage.forecast_short', { days, count: backend.retention_days });
  return t('storage.forecast_enough', { days, count: backend.retention_days });
}

function StreamSizes({ streams }: { streams: Storage['streams'] }) {
  const { t, formats } = useWords();
  const { data: defined = [], isPending } = useStreams();
  const known = new Map(defined.map((stream) => [stream.stream_id, stream.title]));
  const quotas = new Map(defined.map((stream) => [stream.stream_id, stream.recording.max_bytes]));
  // Their titles take more room than their ids: what is shown does not move.
  if (streams.length === 0 || isPending) return null;
  const sorted = [...streams].sort((a, b) => b.bytes - a.bytes);
  const largest = Math.max(1, sorted[0]?.bytes ?? 1);
  return (
    <section className="card">
      <h2>{t('storage.by_camera')}</h2>
      <ul className="sizes">
        {sorted.map((entry) => (
          <li key={entry.stream_id}>
            {known.has(entry.stream_id) ? (
              <StreamLink id={entry.stream_id} title={known.get(entry.stream_id)}>
                {known.get(entry.stream_id)}
              </StreamLink>
            ) : (
              <span title={t('storage.removed')}>{entry.stream_id}</span>
            )}
            <span className="size-bar" aria-hidden="true">
              <span style={{ width: `${(entry.bytes / largest) * 100}%` }} />
            </span>
            <span className="size-bytes">
              {formats.bytes(entry.bytes)}
              <Quota bytes={quotas.get(entry.stream_id) ?? null} />
            </span>
            <span className="muted size-range">
              {formats.dateTime(Date.parse(entry.oldest))} – {formats.dateTime(Date.parse(entry.newest))}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Quota({ bytes }: { bytes: number | null }) {
  const { t, formats } = useWords();
  return bytes === null ? null : (
    <span className="muted size-quota">{t('storage.quota', { size: formats.bytes(bytes) })}</span>
  );
}
