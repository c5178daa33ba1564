import { type FormEvent, useState } from 'react';
import { request } from '../api/client.ts';
import { createToken, useChange, useTokens } from '../api/queries.ts';
import type { ApiToken } from '../api/types.ts';
import { Button, IconButton } from '../components/button.tsx';
import type { RightsValue } from '../components/changed-rights.ts';
import { CopyLine } from '../components/copy-line.tsx';
import { Dialog } from '../components/dialog.tsx';
import { SelectField, TextField } from '../components/field.tsx';
import { FailureNotice, Loading } from '../components/notice.tsx';
import { RightsFields, RightsText } from '../components/rights-fields.tsx';
import { Secret } from '../components/secret.tsx';
import { useWords } from '../i18n/language.ts';

const lifetimesDays = [30, 90, 365];

/** Tokens for other programs: made, shown once, revoked. */
export function ApiTokens() {
  const { t } = useWords();
  const query = useTokens();
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiToken | null>(null);
  return (
    <section className="card">
      <header className="card-head">
        <h2>{t('tokens.title')}</h2>
        <Button icon="key" onClick={() => setCreating(true)}>
          {t('tokens.create')}
        </Button>
      </header>
      <p className="muted">{t('tokens.lead')}</p>
      {query.isError ? <FailureNotice error={query.error} onRetry={() => void query.refetch()} /> : null}
      {query.isPending ? <Loading /> : null}
      <ul className="tokens">
        {query.data?.map((token) => (
          <TokenRow key={token.id} token={token} onRevoke={() => setRevoking(token)} />
        ))}
      </ul>
      {query.data?.length === 0 ? <p>{t('tokens.none')}</p> : null}
      {creating ? <CreateToken onClose={() => setCreating(false)} /> : null}
      {revoking ? <RevokeToken token={revoking} onClose={() => setRevoking(null)} /> : null}
    </section>
  );
}

function TokenRow({ token, onRevoke }: { token: ApiToken; onRevoke: () => void }) {
  const { t, formats } = useWords();
  const used = token.last_used
    ? t('tokens.used', { time: formats.dateTime(Date.parse(token.last_used)) })
    : t('tokens.never_used');
  const expires = token.expires
    ? t('tokens.expires', { time: formats.date(Date.parse(token.expires)) })
    : t('tokens.no_end');
  return (
    <li>
      <div>
        <strong>{token.name}</strong>
        <small>
          <RightsText {...token} /> · {token.user} · {used} · {expires}
        </small>
      </div>
      <IconButton icon="trash" label={t('tokens.revoke', { name: token.name })} onClick={onRevoke} />
    </li>
  );
}

function CreateToken({ onClose }: { onClose: () => void }) {
  const { t } = useWords();
  const [name, setName] = useState('');
  const [days, setDays] = useState('90');
  const [rights, setRights] = useState<RightsValue>({ role: 'viewer', streams: null });
  const create = useChange(
    () =>
      createToken({
        name: name.trim(),
        role: rights.role,
        ...(rights.streams && { streams: [...rights.streams] }),
        ...(days === '' ? {} : { expires_days: Number(days) }),
      }),
    ['tokens'],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(undefined);
  };
  return (
    <Dialog title={t('tokens.create')} onClose={onClose}>
      {create.data ? (
        <Secret label={t('tokens.token')} text={create.data.token} onDone={onClose}>
          <h3>{t('tokens.rtsp')}</h3>
          <p className="muted">{t('tokens.rtsp_lead')}</p>
          <CopyLine label={t('add.username')} text={create.data.id} />
          <CopyLine label={t('add.password')} text={create.data.rtsp_password} />
        </Secret>
      ) : (
        <form onSubmit={submit}>
          <TextField
            label={t('tokens.name')}
            hint={t('tokens.name_hint')}
            required
            maxLength={100}
            autoFocus
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          <RightsFields value={rights} onChange={setRights} />
          <SelectField label={t('tokens.lifetime')} value={days} onChange={(event) => setDays(event.target.value)}>
            {lifetimesDays.map((count) => (
              <option key={count} value={count}>
                {t('tokens.days', { count })}
              </option>
            ))}
            <option value="">{t('tokens.no_end')}</option>
          </SelectField>
          {create.isError ? <FailureNotice error={create.error} /> : null}
          <div className="dialog-actions">
            <Button tone="primary" type="submit" busy={create.isPending} disabled={rights.streams?.length === 0}>
              {t('tokens.create')}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

function RevokeToken({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const { t } = useWords();
  const revoke = useChange(() => request('DELETE', `/tokens/${token.id}`), ['tokens']);
  return (
    <Dialog title={t('tokens.revoke', { name: token.name })} onClose={onClose}>
      <p>{t('tokens.revoke_lead')}</p>
      {revoke.isError ? <FailureNotice error={revoke.error} /> : null}
      <div className="dialog-actions">
        <Button onClick={onClose}>{t('action.cancel')}</Button>
        <Button tone="danger" busy={revoke.isPending} onClick={() => revoke.mutate(undefined, { onSuccess: onClose })}>
          {t('tokens.revoke_button')}
        </Button>
      </div>
    </Dialog>
  );
}
