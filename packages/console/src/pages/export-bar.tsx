import { useQuery } from '@tanstack/react-query';
import { request } from '../api/client.ts';
import type { Export, Recordings } from '../api/types.ts';
import { Button, IconButton } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { FailureNotice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import type { Stretch } from '../timeline/geometry.ts';
import { estimateBytes, type Marks, markedRange } from '../timeline/marks.ts';
import { LockButton } from './locks.tsx';
import { type ExportControl, useExport } from './use-export.ts';

/** Marks a range of the timeline and makes an MP4 file of it. */
export function ExportBar(props: {
  streamId: string;
  marks: Marks;
  onMark: (end: keyof Marks) => void;
  onClear: () => void;
}) {
  const { t, formats } = useWords();
  const { marks, onMark } = props;
  const control = useExport(props.streamId);
  const range = markedRange(marks);
  const time = (ms: number | null) => (ms === null ? '' : ` ${formats.time(ms)}`);
  const clear = () => {
    control.discard();
    props.onClear();
  };
  return (
    <section className="export-bar" aria-label={t('export.title')}>
      <span className="export-title">{t('export.title')}</span>
      <Button tone="quiet" icon="markStart" title={t('export.mark_start')} onClick={() => onMark('startMs')}>
        {t('export.from')}
        {time(marks.startMs)}
      </Button>
      <Button tone="quiet" icon="markEnd" title={t('export.mark_end')} onClick={() => onMark('endMs')}>
        {t('export.to')}
        {time(marks.endMs)}
      </Button>
      {range && !isOf(control.job, range) ? <Offer streamId={props.streamId} range={range} control={control} /> : null}
      {range ? <LockButton streamId={props.streamId} range={range} /> : null}
      {range && isOf(control.job, range) ? <Progress control={control} /> : null}
      {marks.startMs !== null || marks.endMs !== null ? (
        <IconButton icon="close" label={t('export.clear')} onClick={clear} />
      ) : null}
      {control.error ? <FailureNotice error={control.error} /> : null}
    </section>
  );
}

/** False once another range is marked than the one that was exported. */
function isOf(job: Export | null, range: Stretch): boolean {
  if (job === null) return false;
  const { start, end } = job.requested;
  return Date.parse(start) === Math.round(range.startMs) && Date.parse(end) === Math.round(range.endMs);
}

function Offer({ streamId, range, control }: { streamId: string; range: Stretch; control: ExportControl }) {
  const { t, formats } = useWords();
  const bytes = useEstimate(streamId, range);
  return (
    <>
      <span className="export-size">
        {formats.duration(range.endMs - range.startMs)}
        {bytes === null ? '' : ` · ≈ ${formats.bytes(bytes)}`}
      </span>
      <Button tone="primary" icon="download" disabled={bytes === 0} onClick={() => control.start(range)}>
        {t(bytes === 0 ? 'export.nothing' : 'export.start')}
      </Button>
    </>
  );
}

function Progress({ control }: { control: ExportControl }) {
  const { t, formats } = useWords();
  const { job } = control;
  if (job === null) return null;
  if (job.state === 'failed') {
    return (
      <span className="export-failed" role="alert">
        {t('export.failed')} {job.error?.message}
      </span>
    );
  }
  if (job.state !== 'done' || job.file === null) {
    return (
      <>
        <progress value={job.progress} aria-label={t('export.working')} />
        <span className="export-size">{formats.number(Math.round(job.progress * 100))} %</span>
      </>
    );
  }
  return (
    <>
      <a className="button button-primary" href={job.file} download>
        <Icon name="download" />
        {t('export.download')} ({formats.bytes(job.bytes)})
      </a>
      {job.gaps.length > 0 ? <span className="export-size">{t('export.gaps', { count: job.gaps.length })}</span> : null}
    </>
  );
}

/** Null until it is known. */
function useEstimate(streamId: string, range: Stretch): number | null {
  const query = useQuery({
    queryKey: ['recordings', streamId, range.startMs, range.endMs],
    queryFn: () =>
      request<Recordings>('GET', `/recordings/${streamId}`, {
        query: { start: Math.round(range.startMs), end: Math.round(range.endMs), limit: 10_000 },
      }),
  });
  const segments = query.data?.segments.map(({ start, end, bytes }) => ({
    startMs: Date.parse(start),
    endMs: Date.parse(end),
    bytes,
  }));
  return segments === undefined ? null : estimateBytes(segments, range);
}
