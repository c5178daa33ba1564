import { type FormEvent, useState } from 'react';
import { useChange } from '../api/queries.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { TextField } from '../components/field.tsx';
import { FailureNotice, Notice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { runCommand } from './agent-command.ts';
import type { Agent } from './agent-queries.ts';

/** Offers an agent a newer version of itself: where it is, and the signature that the agent checks. */
export function UpdateDialog({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const { t } = useWords();
  const [offer, setOffer] = useState({ version: '', url: '', signature: '' });
  const update = useChange(() => {
    const { version, url, signature } = offer;
    return runCommand(agent.id, 'update', { version: version.trim(), url: url.trim(), signature: signature.trim() });
  }, ['agents', 'tunnels']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    update.mutate(undefined);
  };
  const field = (name: keyof typeof offer) => ({
    name: `update-${name}`,
    required: true,
    spellCheck: false,
    autoCapitalize: 'none',
    value: offer[name],
    onChange: ({ target }: { target: { value: string } }) => setOffer({ ...offer, [name]: target.value }),
  });
  return (
    <Dialog title={t('agents.update_title', { name: agent.id })} onClose={onClose}>
      {update.isSuccess ? (
        <>
          <Notice tone="success">{t('agents.update_done')}</Notice>
          <div className="dialog-actions">
            <Button tone="primary" onClick={onClose}>
              {t('action.done')}
            </Button>
          </div>
        </>
      ) : (
        <form onSubmit={submit}>
          <p className="muted">{t('agents.update_lead')}</p>
          <p className="muted">
            {t('agents.software')}: {agent.software ?? '–'}
          </p>
          <TextField label={t('agents.update_version')} maxLength={40} placeholder="0.2.0" {...field('version')} />
          <TextField
            label={t('agents.update_url')}
            type="url"
            maxLength={2000}
            placeholder="https://"
            {...field('url')}
          />
          <TextField
            label={t('agents.update_signature')}
            hint={t('agents.update_signature_hint')}
            maxLength={100}
            {...field('signature')}
          />
          {update.isError ? <FailureNotice error={update.error} /> : null}
          <div className="dialog-actions">
            <Button onClick={onClose}>{t('action.cancel')}</Button>
            <Button tone="danger" type="submit" busy={update.isPending}>
              {t('agents.update_button')}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
