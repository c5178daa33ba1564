import { type FormEvent, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import { Button } from '../components/button.tsx';
import { TextField } from '../components/field.tsx';
import { FailureNotice, Notice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { navigate } from '../router.ts';
import { EntryFrame } from './entry-frame.tsx';

/** Characters of the shortest password that the server takes. */
export const minPasswordLength = 8;

/** The first administrator, by the one-time link that the server wrote to its log. */
export function SetUpPage({ token }: { token: string }) {
  const { t } = useWords();
  const [name, setName] = useState('admin');
  const [password, setPassword] = useState('');
  const [repeated, setRepeated] = useState('');
  const [checked, setChecked] = useState(false);
  const setUp = useChange(
    () => request('POST', '/setup', { body: { token, name: name.trim(), password } }),
    ['session', 'streams'],
  );
  if (token === '') {
    return (
      <EntryFrame title={t('setup.title')}>
        <Notice tone="info">{t('setup.no_token')}</Notice>
      </EntryFrame>
    );
  }
  const tooShort = password.length < minPasswordLength;
  const different = password !== repeated;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (tooShort || different) return;
    setUp.mutate(undefined, { onSuccess: () => navigate('/', { replace: true }) });
  };
  return (
    <EntryFrame title={t('setup.title')}>
      <p className="lead">{t('setup.lead')}</p>
      <form onSubmit={submit} noValidate>
        <TextField
          label={t('login.name')}
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <TextField
          label={t('setup.password')}
          type="password"
          name="new-password"
          autoComplete="new-password"
          autoFocus
          hint={t('setup.password_hint', { count: minPasswordLength })}
          error={checked && tooShort ? t('setup.password_hint', { count: minPasswordLength }) : null}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <TextField
          label={t('setup.repeat')}
          type="password"
          name="repeat-password"
          autoComplete="new-password"
          error={checked && !tooShort && different ? t('setup.different') : null}
          value={repeated}
          onChange={(event) => setRepeated(event.target.value)}
        />
        {setUp.isError ? <FailureNotice error={setUp.error} /> : null}
        <Button tone="primary" type="submit" busy={setUp.isPending}>
          {t('setup.submit')}
        </Button>
      </form>
    </EntryFrame>
  );
}
