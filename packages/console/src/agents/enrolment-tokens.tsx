import { type FormEvent, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import { Button, IconButton } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { TextField } from '../components/field.tsx';
import { FailureNotice } from '../components/notice.tsx';
import { Secret } from '../components/secret.tsx';
import { useWords } from '../i18n/language.ts';
import { useEnrolmentTokens } from './agent-queries.ts';

/** Tokens that let agents in: made, shown once, taken back. */
export function EnrolmentTokens() {
  const { t, formats } = useWords();
  const query = useEnrolmentTokens();
  const [creating, setCreating] = useState(false);
  const remove = useChange((id: string) => request('DELETE', `/agents/enrolment-tokens/${id}`), ['enrolment']);
  return (
    <section className="card">
      <header className="card-head">
        <h2>{t('enrolment.title')}</h2>
        <Button icon="key" onClick={() => setCreating(true)}>
          {t('tokens.create')}
        </Button>
      </header>
      <p className="muted">{t('enrolment.lead')}</p>
      {query.isError ? <FailureNotice error={query.error} onRetry={() => void query.refetch()} /> : null}
      <ul className="tokens">
        {query.data?.map((token) => (
          <li key={token.id}>
            <div>
              <strong>{token.name || token.id}</strong>
              <small>
                {t('enrolment.uses', { count: token.uses, most: token.max_uses })} ·{' '}
                {t('tokens.expires', { time: formats.dateTime(Date.parse(token.expires)) })} · {token.created_by}
              </small>
            </div>
            <IconButton
              icon="trash"
              label={t('tokens.revoke', { name: token.name || token.id })}
              onClick={() => remove.mutate(token.id)}
            />
          </li>
        ))}
      </ul>
      {query.data?.length === 0 ? <p>{t('tokens.none')}</p> : null}
      {remove.isError ? <FailureNotice error={remove.error} /> : null}
      {creating ? <CreateEnrolmentToken onClose={() => setCreating(false)} /> : null}
    </section>
  );
}

function CreateEnrolmentToken({ onClose }: { onClose: () => void }) {
  const { t } = useWords();
  const [name, setName] = useState('');
  const [uses, setUses] = useState('1');
  const [hours, setHours] = useState('24');
  const create = useChange(
    () =>
      request<{ token: string }>('POST', '/agents/enrolment-tokens', {
        body: {
          max_uses: Number(uses),
          expires_hours: Number(hours),
          ...(name.trim() === '' ? {} : { name: name.trim() }),
        },
      }),
    ['enrolment'],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(undefined);
  };
  return (
    <Dialog title={t('enrolment.title')} onClose={onClose}>
      {create.data ? (
        <Secret label={t('tokens.token')} text={create.data.token} onDone={onClose} />
      ) : (
        <form onSubmit={submit}>
          <TextField
            label={t('enrolment.name')}
            maxLength={100}
            autoFocus
            value={name}
            onChange={({ target }) => setName(target.value)}
          />
          <div className="field-row">
            <TextField
              label={t('enrolment.max_uses')}
              type="number"
              required
              min={1}
              max={1000}
              value={uses}
              onChange={({ target }) => setUses(target.value)}
            />
            <TextField
              label={t('enrolment.hours')}
              type="number"
              required
              min={1}
              max={720}
              value={hours}
              onChange={({ target }) => setHours(target.value)}
            />
          </div>
          {create.isError ? <FailureNotice error={create.error} /> : null}
          <div className="dialog-actions">
            <Button tone="primary" type="submit" busy={create.isPending}>
              {t('tokens.create')}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
