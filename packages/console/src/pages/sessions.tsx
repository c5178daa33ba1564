import { useSessions } from '../api/access-queries.ts';
import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import type { LoginSession } from '../api/types.ts';
import { IconButton } from '../components/button.tsx';
import { FailureNotice, Loading } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { agentName } from './agent-name.ts';

/** Where people are logged in, and ending that. */
export function Sessions({ withNames }: { withNames: boolean }) {
  const { t } = useWords();
  const query = useSessions();
  const end = useChange((id: string) => request('DELETE', `/sessions/${id}`), ['sessions']);
  return (
    <section className="card">
      <h2>{t('settings.sessions')}</h2>
      <p className="muted">{t('sessions.lead')}</p>
      {query.isError ? <FailureNotice error={query.error} onRetry={() => void query.refetch()} /> : null}
      {end.isError ? <FailureNotice error={end.error} /> : null}
      {query.isPending ? <Loading /> : null}
      <ul className="tokens">
        {query.data?.map((session) => (
          <SessionRow
            key={session.id}
            session={session}
            withName={withNames}
            busy={end.isPending}
            onEnd={() => end.mutate(session.id)}
          />
        ))}
      </ul>
    </section>
  );
}

interface SessionRowProps {
  readonly session: LoginSession;
  readonly withName: boolean;
  readonly busy: boolean;
  readonly onEnd: () => void;
}

function SessionRow({ session, withName, busy, onEnd }: SessionRowProps) {
  const { t, formats } = useWords();
  const agent = agentName(session.user_agent) ?? t('sessions.unknown_agent');
  return (
    <li>
      <div>
        <span className="row-title">
          <strong>{withName ? session.user : agent}</strong>
          {session.current ? <span className="badge">{t('sessions.current')}</span> : null}
        </span>
        <small title={session.user_agent}>
          {withName ? `${agent} · ` : ''}
          {session.address} · {t('sessions.used', { time: formats.dateTime(Date.parse(session.last_used)) })}
        </small>
      </div>
      <IconButton
        icon="logout"
        label={t('sessions.end', { address: session.address })}
        disabled={session.current || busy}
        onClick={onEnd}
      />
    </li>
  );
}
