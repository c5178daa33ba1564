import type { Stream } from '../api/types.ts';
import { useNow } from '../components/use-now.ts';
import { useWords } from '../i18n/language.ts';
import { useSignedIn } from '../session.tsx';

/** The other servers that a camera is sent to, and how that goes. */
export function TargetsCard({ stream }: { stream: Stream }) {
  const { t } = useWords();
  if (stream.push.length === 0) return null;
  return (
    <section className="card">
      <h2>{t('targets.title')}</h2>
      <ul className="health-list">
        {stream.push.map((target) => (
          <TargetRow key={target.url} target={target} />
        ))}
      </ul>
    </section>
  );
}

const tones = { waiting: 'on_demand', connecting: 'connecting', online: 'online', offline: 'offline' } as const;

function TargetRow({ target }: { target: Stream['push'][number] }) {
  const { t, formats } = useWords();
  const nowMs = useNow(1000) + useSignedIn().clockOffsetMs;
  const waitMs = target.retry_at === null ? 0 : Date.parse(target.retry_at) - nowMs;
  return (
    <li>
      <code className="health-name">{target.url}</code>
      <span className={`badge badge-${tones[target.state]}`}>{t(`targets.${target.state}`)}</span>
      <p className="muted">
        {[
          t('targets.sent', { size: formats.bytes(target.bytes) }),
          target.reason?.message,
          waitMs > 0 ? t('stream.retry_in', { count: Math.ceil(waitMs / 1000) }) : null,
        ]
          .filter(Boolean)
          .join(' · ')}
      </p>
    </li>
  );
}
