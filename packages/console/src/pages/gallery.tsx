import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { request } from '../api/client.ts';
import { useStreams } from '../api/queries.ts';
import type { KeyFrames } from '../api/types.ts';
import { IconButton } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { Link } from '../components/link.tsx';
import { EmptyState, FailureNotice, Loading, Notice } from '../components/notice.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { useNow } from '../components/use-now.ts';
import { useWords } from '../i18n/language.ts';
import { navigate, usePlace } from '../router.ts';
import { useSignedIn } from '../session.tsx';
import { dayBounds, dayOf, dayText } from '../timeline/zone.ts';
import { framesByHour } from './gallery-hours.ts';
import { type GalleryPlace, galleryAddress, intervals, readGalleryPlace } from './gallery-place.ts';
import { DayGroup } from './transport-bar.tsx';

/** So many pictures are shown at most; a longer interval shows the rest. */
const limit = 1500;

/** The key pictures of a day; each leads to its moment. */
export function GalleryPage({ id }: { id: string }) {
  const { t, formats, timeZone } = useWords();
  const { clockOffsetMs } = useSignedIn();
  const nowMs = useNow(60_000) + clockOffsetMs;
  const title = useStreams().data?.find((stream) => stream.stream_id === id)?.title ?? id;
  const today = dayOf(nowMs, timeZone);
  const chosen = readGalleryPlace(usePlace().query);
  const { interval } = chosen;
  const day = chosen.day ?? today;
  const choose = (part: Partial<GalleryPlace>) =>
    navigate(galleryAddress(id, { ...chosen, ...part }), { replace: true });
  const bounds = dayBounds(day, timeZone);
  const query = useKeyFrames(id, bounds, interval);
  const hours = useMemo(
    () => framesByHour(query.data?.keyframes ?? [], (ms) => (interval < 1800 ? formats.clock(ms) : '')),
    [query.data, formats, interval],
  );
  return (
    <div className="stream-page">
      <header className="page-head">
        <IconButton icon="back" label={t('action.back')} onClick={() => navigate(`/streams/${id}`)} />
        <PageTitle>{t('gallery.title', { title })}</PageTitle>
      </header>
      <div className="transport">
        <DayGroup
          day={day}
          today={today}
          streamId={id}
          bounds={bounds}
          onDay={(next) => choose({ day: dayText(next) === dayText(today) ? null : next })}
        />
        <fieldset className="segmented">
          <legend className="hidden">{t('gallery.interval')}</legend>
          {intervals.map((seconds) => (
            <button
              key={seconds}
              type="button"
              aria-pressed={seconds === interval}
              onClick={() => choose({ interval: seconds })}
            >
              {formats.duration(seconds * 1000)}
            </button>
          ))}
        </fieldset>
      </div>
      {query.isError ? <FailureNotice error={query.error} onRetry={() => void query.refetch()} /> : null}
      {query.isPending ? <Loading /> : null}
      {query.isSuccess && hours.length === 0 ? <EmptyState icon="camera" title={t('export.nothing')} /> : null}
      {query.data?.truncated ? <Notice tone="info">{t('gallery.truncated')}</Notice> : null}
      {hours.map(({ hour, frames }) => (
        <section key={frames[0]?.time}>
          {hour === '' ? null : <h2 className="gallery-hour">{hour}</h2>}
          <ul className="gallery">
            {frames.map((frame) => (
              <Picture key={frame.time} streamId={id} frame={frame} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

type Frame = KeyFrames['keyframes'][number];

function Picture({ streamId, frame }: { streamId: string; frame: Frame }) {
  const { formats } = useWords();
  const [failed, setFailed] = useState(false);
  const atMs = Date.parse(frame.time);
  return (
    <li>
      <Link href={`/streams/${streamId}?t=${atMs}`}>
        {failed ? (
          <span className="gallery-missing">
            <Icon name="camera" />
          </span>
        ) : (
          <img
            src={`${frame.snapshot}&width=320`}
            alt=""
            loading="lazy"
            decoding="async"
            onError={() => setFailed(true)}
          />
        )}
        <time dateTime={frame.time}>{formats.time(atMs)}</time>
      </Link>
    </li>
  );
}

function useKeyFrames(id: string, { startMs, endMs }: { startMs: number; endMs: number }, interval: number) {
  return useQuery({
    queryKey: ['keyframes', id, startMs, interval],
    queryFn: () =>
      request<KeyFrames>('GET', `/recordings/${id}/keyframes`, {
        query: { start: startMs, end: endMs, interval, limit },
      }),
    staleTime: 60_000,
  });
}
