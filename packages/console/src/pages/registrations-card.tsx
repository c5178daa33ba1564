import { useQuery } from '@tanstack/react-query';
import { request } from '../api/client.ts';
import type { Operations } from '../api-types.ts';
import { StreamLink } from '../components/record-pages.tsx';
import { useWords } from '../i18n/language.ts';

type Registration = Operations['listRegistrations']['response']['registrations'][number];

const tones = { registered: 'online', pending: 'connecting', refused: 'offline', conflict: 'offline' } as const;

/** Other systems that cameras are registered in; for administrators. */
export function RegistrationsCard() {
  const { t } = useWords();
  const query = useQuery({
    queryKey: ['registrations'],
    queryFn: () => request<Operations['listRegistrations']['response']>('GET', '/registrations'),
    refetchInterval: 10_000,
  });
  const all = query.data?.registrations ?? [];
  if (all.length === 0) return null;
  return (
    <section className="card">
      <h2>{t('registrations.title')}</h2>
      {all.map((registration) => (
        <RegistrationRows key={registration.name} registration={registration} />
      ))}
    </section>
  );
}

function RegistrationRows({ registration }: { registration: Registration }) {
  const { t } = useWords();
  return (
    <>
      <p>
        <strong>{registration.name}</strong> <code>{registration.url}</code>
      </p>
      {registration.failure === null ? null : <p className="export-failed">{registration.failure}</p>}
      <ul className="health-list">
        {registration.streams.map((stream) => (
          <li key={stream.stream_id}>
            <span className="health-name">
              <StreamLink id={stream.stream_id} /> <span className="muted">{stream.remote_name}</span>
            </span>
            <span className={`badge badge-${tones[stream.state]}`}>{t(`registrations.${stream.state}`)}</span>
            {stream.reason === null ? null : <p className="muted">{stream.reason}</p>}
          </li>
        ))}
      </ul>
    </>
  );
}
