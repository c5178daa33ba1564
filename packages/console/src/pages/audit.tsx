import { useState } from 'react';
import { type AuditQuestion, auditCsvUrl, useAudit, useUsers } from '../api/access-queries.ts';
import type { AuditEntry } from '../api/types.ts';
import { TextField } from '../components/field.tsx';
import { Icon } from '../components/icon.tsx';
import { CameraField, ChoiceField, RecordPages, RecordRow } from '../components/record-pages.tsx';
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
/** How the details of commands to agents end that came to nothing. */
const failed = /^commandAgent .* failed(?: [A-Z_]+)?$/;
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
      <RecordPages pages={pages} rows={entries} className="audit" empty={{ icon: 'search', title: t('audit.none') }}>
        {(entry) => <AuditRow entry={entry} />}
      </RecordPages>
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
  const [days, setDays] = useState({ from: '', to: '' });
  const choose = (part: Partial<AuditQuestion>) => onChange({ ...question, ...part });
  const chooseDays = (part: Partial<typeof days>) => {
    const { from, to } = { ...days, ...part };
    setDays({ from, to });
    choose({ start: dayStart(from, 0, timeZone), end: dayStart(to, 1, timeZone) });
  };
  return (
    <div className="filters filters-wide">
      <ChoiceField
        label={t('audit.user')}
        value={question.user}
        choices={users.map(({ name }) => ({ value: name, text: name }))}
        onChoose={(user) => choose({ user })}
      />
      <ChoiceField
        label={t('audit.action')}
        value={question.action}
        choices={actions.map((action) => ({ value: action, text: t(`audit.${action}`) }))}
        onChoose={(action) => choose({ action })}
      />
      <CameraField value={question.stream_id} onChoose={(stream_id) => choose({ stream_id })} />
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
  const { t } = useWords();
  const byCommand = entry.via === 'command line' ? ` (${t('audit.command_line')})` : '';
  const via = entry.via.startsWith('token ') ? ` (${entry.via.slice(6)})` : byCommand;
  const hasFailed = failed.test(entry.detail);
  const isOdd = hasFailed || entry.action === 'denied' || entry.action === 'login_failed';
  return (
    <RecordRow
      at={entry.at}
      tone={isOdd ? 'warning' : 'info'}
      kind={
        <span className="audit-user" title={entry.via}>
          {entry.user}
          {via}
        </span>
      }
      headline={t(`audit.${entry.action}`) + (hasFailed ? ` — ${t('audit.failed')}` : '')}
      streamId={entry.stream_id}
      detail={[entry.detail.startsWith('auth.') ? '' : entry.detail, entry.address, agentName(entry.user_agent)]
        .filter(Boolean)
        .join(' · ')}
      detailTitle={entry.user_agent}
    />
  );
}
