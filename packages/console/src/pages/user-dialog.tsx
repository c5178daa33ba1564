import { type FormEvent, useState } from 'react';
import { createUser, updateUser } from '../api/access-queries.ts';
import { useChange } from '../api/queries.ts';
import type { User } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { changedRights, type RightsValue } from '../components/changed-rights.ts';
import { Dialog } from '../components/dialog.tsx';
import { TextField } from '../components/field.tsx';
import { FailureNotice } from '../components/notice.tsx';
import { RightsFields } from '../components/rights-fields.tsx';
import { useWords } from '../i18n/language.ts';
import { minPasswordLength } from './set-up.tsx';

/** Adds a user, or changes one. */
export function UserDialog({ user, onClose }: { user: User | null; onClose: () => void }) {
  const { t } = useWords();
  const [name, setName] = useState(user?.name ?? '');
  const [password, setPassword] = useState('');
  const [rights, setRights] = useState<RightsValue>({ role: user?.role ?? 'viewer', streams: user?.streams ?? null });
  const save = useChange(() => {
    const streams = rights.streams === null ? null : [...rights.streams];
    if (!user) return createUser({ name: name.trim(), password, role: rights.role, streams });
    return updateUser(user.name, { ...changedRights(user, rights), ...(password !== '' && { password }) });
  }, ['users', 'sessions', 'session']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (rights.streams?.length !== 0) save.mutate(undefined, { onSuccess: onClose });
  };
  return (
    <Dialog title={user ? t('users.edit', { name: user.name }) : t('users.add')} onClose={onClose}>
      <form onSubmit={submit}>
        {user ? null : (
          <TextField
            label={t('login.name')}
            name="name"
            hint={t('users.name_hint')}
            required
            maxLength={64}
            pattern="[\p{L}\p{N}._@\-]{1,64}"
            title={t('users.name_hint')}
            autoFocus
            autoComplete="off"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
        <TextField
          label={t('setup.password')}
          name="password"
          type="password"
          hint={user ? t('users.new_password_hint') : t('setup.password_hint', { count: minPasswordLength })}
          required={!user}
          minLength={minPasswordLength}
          maxLength={256}
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <RightsFields value={rights} onChange={setRights} />
        {save.isError ? <FailureNotice error={save.error} /> : null}
        <div className="dialog-actions">
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button tone="primary" type="submit" busy={save.isPending} disabled={rights.streams?.length === 0}>
            {t(user ? 'action.save' : 'users.add')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
