import { useState } from 'react';
import { deleteUser, useUsers } from '../api/access-queries.ts';
import { useChange } from '../api/queries.ts';
import type { User } from '../api/types.ts';
import { Button, IconButton } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { FailureNotice, Loading } from '../components/notice.tsx';
import { RightsText } from '../components/rights-fields.tsx';
import { useWords } from '../i18n/language.ts';
import { useSignedIn } from '../session.tsx';
import { UserDialog } from './user-dialog.tsx';

/** Who may log in: added, changed, removed. */
export function Users() {
  const { t } = useWords();
  const query = useUsers();
  const [editing, setEditing] = useState<User | 'new' | null>(null);
  const [removing, setRemoving] = useState<User | null>(null);
  return (
    <section className="card">
      <header className="card-head">
        <h2>{t('settings.users')}</h2>
        <Button icon="add" onClick={() => setEditing('new')}>
          {t('users.add')}
        </Button>
      </header>
      <p className="muted">{t('users.lead')}</p>
      {query.isError ? <FailureNotice error={query.error} onRetry={() => void query.refetch()} /> : null}
      {query.isPending ? <Loading /> : null}
      <ul className="tokens">
        {query.data?.map((user) => (
          <UserRow key={user.name} user={user} onEdit={() => setEditing(user)} onRemove={() => setRemoving(user)} />
        ))}
      </ul>
      {editing ? <UserDialog user={editing === 'new' ? null : editing} onClose={() => setEditing(null)} /> : null}
      {removing ? <RemoveUser user={removing} onClose={() => setRemoving(null)} /> : null}
    </section>
  );
}

function UserRow({ user, onEdit, onRemove }: { user: User; onEdit: () => void; onRemove: () => void }) {
  const { t, formats } = useWords();
  const { session } = useSignedIn();
  const isYou = session.user?.name === user.name;
  const seen = user.last_seen
    ? t('users.seen', { time: formats.dateTime(Date.parse(user.last_seen)) })
    : t('users.not_seen');
  return (
    <li>
      <div>
        <span className="row-title">
          <strong>{user.name}</strong>
          {isYou ? <span className="badge">{t('users.you')}</span> : null}
        </span>
        <small>
          <RightsText {...user} /> · {seen}
        </small>
      </div>
      <div className="row-actions">
        <IconButton icon="edit" label={t('users.edit', { name: user.name })} onClick={onEdit} />
        <IconButton icon="trash" label={t('users.remove', { name: user.name })} disabled={isYou} onClick={onRemove} />
      </div>
    </li>
  );
}

function RemoveUser({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useWords();
  const remove = useChange(() => deleteUser(user.name), ['users', 'sessions', 'tokens']);
  return (
    <Dialog title={t('users.remove', { name: user.name })} onClose={onClose}>
      <p>{t('users.remove_lead')}</p>
      {remove.isError ? <FailureNotice error={remove.error} /> : null}
      <div className="dialog-actions">
        <Button onClick={onClose}>{t('action.cancel')}</Button>
        <Button tone="danger" busy={remove.isPending} onClick={() => remove.mutate(undefined, { onSuccess: onClose })}>
          {t('users.remove_button')}
        </Button>
      </div>
    </Dialog>
  );
}
