import { type FormEvent, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { CheckField, TextField } from '../components/field.tsx';
import { FailureNotice, Notice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { navigate } from '../router.ts';
import type { Agent, FoundCamera } from './agent-queries.ts';

/** Makes streams of a camera that an agent found. */
export function AdoptDialog(props: { agent: Agent; camera: FoundCamera; onClose: () => void }) {
  const { t } = useWords();
  const { agent, camera, onClose } = props;
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [record, setRecord] = useState(true);
  const adopt = useChange(
    () =>
      request<{ streams: string[] }>('POST', `/agents/${encodeURIComponent(agent.id)}/adopt`, {
        body: { cameras: [camera.id], record, ...(username === '' ? {} : { username, password }) },
      }),
    ['streams', 'agents'],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    adopt.mutate(undefined, {
      onSuccess: ({ streams: [first] }) => {
        if (first !== undefined) navigate(`/streams/${first}`);
      },
    });
  };
  return (
    <Dialog title={t('agents.adopt_title', { name: camera.id })} onClose={onClose}>
      <form onSubmit={submit}>
        <p className="muted">{t('agents.adopt_lead')}</p>
        <TextField
          label={t('add.username')}
          autoComplete="off"
          value={username}
          onChange={({ target }) => setUsername(target.value)}
        />
        <TextField
          label={t('add.password')}
          type="password"
          autoComplete="new-password"
          value={password}
          onChange={({ target }) => setPassword(target.value)}
        />
        <CheckField label={t('camera.record')} checked={record} onChange={({ target }) => setRecord(target.checked)} />
        {adopt.data?.streams.length === 0 ? <Notice tone="warning">{t('agents.adopt_none')}</Notice> : null}
        {adopt.isError ? <FailureNotice error={adopt.error} /> : null}
        <div className="dialog-actions">
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button tone="primary" type="submit" busy={adopt.isPending}>
            {t('agents.adopt')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
