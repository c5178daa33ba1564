import { useQuery } from '@tanstack/react-query';
import { request } from '../api/client.ts';
import { createToken, useChange } from '../api/queries.ts';
import type { Stream } from '../api/types.ts';
import type { PublishAddresses } from '../api-types.ts';
import { Button } from '../components/button.tsx';
import { CopyLine } from '../components/copy-line.tsx';
import { FailureNotice, Notice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { useIsAdmin, useIsOperator, useSignedIn } from '../session.tsx';

/** Where encoders send a stream that waits for them; nothing for a camera that is pulled. */
export function PublishCard({ stream }: { stream: Stream }) {
  const isOperator = useIsOperator();
  return stream.source_url === null && stream.main_stream_id === null && isOperator ? (
    <Addresses stream={stream} />
  ) : null;
}

function Addresses({ stream }: { stream: Stream }) {
  const { t } = useWords();
  const id = stream.stream_id;
  const { session } = useSignedIn();
  const isAdmin = useIsAdmin();
  const query = useQuery({
    queryKey: ['publish', id, stream.publish_path],
    queryFn: async () => (await request<PublishAddresses>('GET', `/streams/${id}/publish`)).addresses,
  });
  const token = useChange(() => createToken({ name: `publish ${id}`, role: 'operator', streams: [id] }), ['tokens']);
  const login = token.data ? `?token=${token.data.token}` : '';
  const needsLogin = session.auth === 'required';
  return (
    <section className="card publish">
      <h2>{t('publish.title')}</h2>
      <p className="muted">{t('publish.lead')}</p>
      {query.isError ? <FailureNotice error={query.error} onRetry={() => void query.refetch()} /> : null}
      {query.data?.length === 0 ? <Notice tone="warning">{t('publish.none')}</Notice> : null}
      {query.data?.map(({ url, server, key }) => {
        const scheme = server.slice(0, server.indexOf(':')).toUpperCase();
        return (
          <div key={url} className="publish-way">
            <CopyLine label={t('publish.address', { name: scheme })} text={url + login} />
            {key === null ? null : (
              <>
                <CopyLine label={t('publish.server', { name: scheme })} text={server} />
                <CopyLine label={t('publish.key', { name: scheme })} text={key + login} />
              </>
            )}
          </div>
        );
      })}
      {needsLogin ? <p className="muted">{t(token.data ? 'publish.with_token' : 'publish.login')}</p> : null}
      {token.data ? <Notice tone="warning">{t('tokens.once')}</Notice> : null}
      {token.isError ? <FailureNotice error={token.error} /> : null}
      {needsLogin && isAdmin && !token.data && query.data?.length !== 0 ? (
        <Button icon="key" busy={token.isPending} onClick={() => token.mutate(undefined)}>
          {t('publish.make_token')}
        </Button>
      ) : null}
    </section>
  );
}
