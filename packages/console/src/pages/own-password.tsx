import { type FormEvent, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import { Button } from '../components/button.tsx';
import { TextField } from '../components/field.tsx';
import { FailureNotice, Notice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { minPasswordLength } from './set-up.tsx';

/** Changes the password of the person; all other log-ins end. */
export function OwnPassword() {
  const { t } = useWords();
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const change = useChange(() => request('POST', '/password', { body: { current, password } }), ['sessions']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate(undefined, {
      onSuccess: () => {
        setCurrent('');
        setPassword('');
      },
    });
  };
  return (
    <section className="card">
      <h2>{t('password.title')}</h2>
      <form onSubmit={submit}>
        <div className="field-row">
          <TextField
            label={t('password.current')}
            type="password"
            required
            autoComplete="current-password"
            value={current}
            onChange={(event) => setCurrent(event.target.value)}
          />
          <TextField
            label={t('setup.password')}
            type="password"
            hint={t('setup.password_hint', { count: minPasswordLength })}
            required
            minLength={minPasswordLength}
            maxLength={256}
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </div>
        {change.isError ? <FailureNotice error={change.error} /> : null}
        {change.isSuccess ? <Notice tone="success">{t('password.done')}</Notice> : null}
        <Button type="submit" icon="key" busy={change.isPending}>
          {t('password.submit')}
        </Button>
      </form>
    </section>
  );
}
