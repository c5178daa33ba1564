import { type FormEvent, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import { Button } from '../components/button.tsx';
import { TextField } from '../components/field.tsx';
import { FailureNotice, Notice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { navigate, usePlace } from '../router.ts';
import { EntryFrame } from './entry-frame.tsx';

/** Name and password; afterwards the page that was asked for. */
export function LogInPage({ expired, onDone }: { expired: boolean; onDone: () => void }) {
  const { t } = useWords();
  const place = usePlace();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const logIn = useChange(
    () => request('POST', '/login', { body: { name: name.trim(), password } }),
    ['session', 'streams', 'storage', 'tokens', 'timeline', 'days'],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    logIn.mutate(undefined, {
      onSuccess: () => {
        onDone();
        if (place.path === '/login' || place.path === '/setup') navigate('/', { replace: true });
      },
    });
  };
  return (
    <EntryFrame title={t('login.title')}>
      {expired ? <Notice tone="info">{t('login.expired')}</Notice> : null}
      <form onSubmit={submit}>
        <TextField
          label={t('login.name')}
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          required
          autoFocus
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <TextField
          label={t('login.password')}
          type="password"
          name="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        {logIn.isError ? <FailureNotice error={logIn.error} /> : null}
        <Button tone="primary" type="submit" busy={logIn.isPending}>
          {t('login.submit')}
        </Button>
      </form>
    </EntryFrame>
  );
}
