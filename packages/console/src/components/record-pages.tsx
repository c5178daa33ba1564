import { Fragment, type ReactNode } from 'react';
import { useStreams } from '../api/queries.ts';
import { useWords } from '../i18n/language.ts';
import { Button } from './button.tsx';
import { SelectField } from './field.tsx';
import type { IconName } from './icon.tsx';
import { Link } from './link.tsx';
import { EmptyState, FailureNotice, Loading } from './notice.tsx';

/** As much of a query in pages as a list needs. */
interface Pages {
  readonly isPending: boolean;
  readonly isSuccess: boolean;
  readonly isFetchingNextPage: boolean;
  readonly hasNextPage: boolean;
  readonly error: unknown;
  refetch(): unknown;
  fetchNextPage(): unknown;
}

/** What happened, newest first, a page at a time. */
export function RecordPages<Row extends { readonly id: number }>(props: {
  pages: Pages;
  rows: readonly Row[];
  className: string;
  empty: { readonly icon: IconName; readonly title: string };
  children: (row: Row) => ReactNode;
}) {
  const { t } = useWords();
  const { pages, rows, empty } = props;
  return (
    <>
      {pages.error ? <FailureNotice error={pages.error} onRetry={() => void pages.refetch()} /> : null}
      {pages.isPending ? <Loading /> : null}
      {pages.isSuccess && rows.length === 0 ? <EmptyState icon={empty.icon} title={empty.title} /> : null}
      {rows.length > 0 ? (
        <ol className={`events card ${props.className}`}>
          {rows.map((row) => (
            <Fragment key={row.id}>{props.children(row)}</Fragment>
          ))}
        </ol>
      ) : null}
      {pages.hasNextPage ? (
        <Button busy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          {t('events.more')}
        </Button>
      ) : null}
    </>
  );
}

/** One row: when, what kind, which camera, and more about it. */
export function RecordRow(props: {
  at: string;
  tone: 'info' | 'warning' | 'error';
  kind: ReactNode;
  headline: string;
  streamId: string | null;
  detail: string;
  detailTitle?: string;
}) {
  const { formats } = useWords();
  return (
    <li className={`event event-${props.tone}`}>
      <time dateTime={props.at} title={props.at}>
        {formats.dateTime(Date.parse(props.at))}
      </time>
      {props.kind}
      <div>
        <strong>{props.headline}</strong>
        {props.streamId ? <StreamLink id={props.streamId} /> : null}
        <p title={props.detailTitle}>{props.detail}</p>
      </div>
    </li>
  );
}

/** A link to the page of a camera, under its id; that of a second quality leads to the camera. */
export function StreamLink(props: { id: string; title?: string | undefined; children?: ReactNode }) {
  const { id, title, children = id } = props;
  return (
    <Link href={`/streams/${id.replace(/\.sub$/, '')}`} title={title}>
      {children}
    </Link>
  );
}

/** One of a list, or all. */
export function ChoiceField(props: {
  label: string;
  value: string;
  choices: readonly { readonly value: string; readonly text: string }[];
  onChoose: (value: string) => void;
}) {
  const { t } = useWords();
  return (
    <SelectField label={props.label} value={props.value} onChange={({ target }) => props.onChoose(target.value)}>
      <option value="">{t('events.all')}</option>
      {props.choices.map(({ value, text }) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </SelectField>
  );
}

/** One camera, or all. */
export function CameraField(props: { value: string; withSecond?: boolean; onChoose: (streamId: string) => void }) {
  const { t } = useWords();
  const streams = (useStreams().data ?? []).filter(
    (stream) => props.withSecond === true || stream.main_stream_id === null,
  );
  const choices = streams.map(({ stream_id: value, title }) => ({
    value,
    text: props.withSecond && title !== value ? `${title} (${value})` : title || value,
  }));
  return <ChoiceField label={t('events.camera')} value={props.value} choices={choices} onChoose={props.onChoose} />;
}
