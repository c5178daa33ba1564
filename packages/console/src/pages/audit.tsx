import { useState } from 'react';
import { type AuditQuestion, auditCsvUrl, useAudit, useUsers } from '../api/access-queries.ts';
import { useStreams } from '../api/queries.ts';
import type { AuditEntry } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { SelectField, TextField } from '../components/field.tsx';
import { Icon } from '../components/icon.tsx';
import { Link } from '../components/link.tsx';
import { EmptyState, FailureNotice, Loading } from '../components/notice.tsx';
import { useTimeZone, useWords } from '../i18n/language.ts';
import { addDays, dayBounds } from '../timeline/zone.ts';
import { agentName } from './agent-name.ts';

const actions: readonly AuditEntry['action'][] = [
  'live',
  'playback',
  'snapshot',
  'export',
  'publish',
  'ptz',
  'talk',
  'record',
  'configure',
  'delete',
  'login',
  'logout',
  'login_failed',
  'denied',
];
const nothing: AuditQuestion = { user: '', action: '', stream_id: '', start: '', end: '' };

/** Who did what, by filter, and as a file. */
export function Audit() {
  const { t } = useWords();
  const [question, setQuestion] = useState(nothing);
  const pages = useAudit(question);
  const entries = pages.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <>
      <header className="card-head">
        <p className="muted">{t('audit.lead')}</p>
        <a className="button button-plain" href={auditCsvUrl(question)} download="watchpost-audit.csv">
          <Icon name="download" />
          {t('audit.csv')}
        </a>
      </header>
      <AuditFilter question={question} onChange={setQuestion} />
      {pages.isError ? <FailureNotice error={pages.error} onRetry={() => void pages.refetch()} /> : null}
      {pages.isPending ? <Loading /> : null}
      {pages.isSuccess && entries.length === 0 ? <EmptyState icon="search" title={t('audit.none')} /> : null}
      {entries.length > 0 ? (
        <ol className="events audit card">
          {entries.map((entry) => (
            <AuditRow key={entry.id} entry={entry} />
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

interface AuditFilterProps {
  readonly question: AuditQuestion;
  readonly onChange: (question: AuditQuestion) => void;
}

function AuditFilter({ question, onChange }: AuditFilterProps) {
  const { t } = useWords();
  const timeZone = useTimeZone();
  const users = useUsers().data ?? [];
  const streams = (useStreams().data ?? []).filter((stream) => stream.main_stream_id === null);
  const [days, setDays] = useState({ from: '', to: '' });
  const choose = (part: Partial<AuditQuestion>) => onChange({ ...question, ...part });
  const chooseDays = (part: Partial<typeof days>) => {
    const { from, to } = { ...days, ...part };
    setDays({ from, to });
    choose({ start: dayStart(from, 0, timeZone), end: dayStart(to, 1, timeZone) });
  };
  return (
    <div className="filters filters-wide">
      <SelectField
        label={t('audit.user')}
        value={question.user}
        onChange={({ target }) => choose({ user: target.value })}
      >
        <option value="">{t('events.all')}</option>
        {users.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </SelectField>
      <SelectField
        label={t('audit.action')}
        value={question.action}
        onChange={({ target }) => choose({ action: target.value })}
      >
        <option value="">{t('events.all')}</option>
        {actions.map((action) => (
          <option key={action} value={action}>
            {t(`audit.${action}`)}
          </option>
        ))}
      </SelectField>
      <SelectField
        label={t('events.camera')}
        value={question.stream_id}
        onChange={({ target }) => choose({ stream_id: target.value })}
      >
        <option value="">{t('events.all')}</option>
        {streams.map((stream) => (
          <option key={stream.stream_id} value={stream.stream_id}>
            {stream.title || stream.stream_id}
          </option>
        ))}
      </SelectField>
      <TextField
        label={t('audit.from')}
        type="date"
        value={days.from}
        onChange={({ target }) => chooseDays({ from: target.value })}
      />
      <TextField
        label={t('audit.to')}
        type="date"
        value={days.to}
        onChange={({ target }) => chooseDays({ to: target.value })}
      />
    </div>
  );
}

/** Instant at which a day (`YYYY-MM-DD`), or one some days later, begins; empty where there is no day. */
function dayStart(text: string, plusDays: number, timeZone: string): string {
  const [year, month, day] = text.split('-').map(Number);
  if (year === undefined || month === undefined || day === undefined) return '';
  return new Date(dayBounds(addDays({ year, month, day }, plusDays), timeZone).startMs).toISOString();
}

function AuditRow({ entry }: { entry: AuditEntry }) {
  const { t, formats } = useWords();
  const tone = entry.action === 'denied' || entry.action === 'login_failed' ? 'warning' : 'info';
  const via = entry.via.startsWith('token ') ? ` (${entry.via.slice(6)})` : '';
  return (
    <li className={`event event-${tone}`}>
      <time dateTime={entry.at} title={entry.at}>
        {formats.dateTime(Date.parse(entry.at))}
      </time>
      <span className="audit-user" title={entry.via}>
        {entry.user}
        {via}
      </span>
      <div>
        <strong>{t(`audit.${entry.action}`)}</strong>
        {entry.stream_id ? (
          <Link href={`/streams/${entry.stream_id.replace(/\.sub$/, '')}`}>{entry.stream_id}</Link>
        ) : null}
        <p title={entry.user_agent}>
          {[entry.detail.startsWith('auth.') ? '' : entry.detail, entry.address, agentName(entry.user_agent)]
            .filter(Boolean)
            .join(' · ')}
        </p>
      </div>
    </li>
  );
}
