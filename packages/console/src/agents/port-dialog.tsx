import { type FormEvent, useState } from 'react';
import { useChange } from '../api/queries.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { TextField } from '../components/field.tsx';
import { FailureNotice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { runCommand } from './agent-command.ts';
import type { Agent } from './agent-queries.ts';

/** Opens one more port behind an agent, where the agent's own configuration allows it. */
export function PortDialog({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const { t } = useWords();
  const [host, setHost] = useState(agent.cameras[0]?.host ?? '');
  const [port, setPort] = useState('80');
  const open = useChange(
    () => runCommand(agent.id, 'open_port', { host: host.trim(), port: Number(port), service: 'tcp' }),
    ['agents', 'tunnels'],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    open.mutate(undefined, { onSuccess: onClose });
  };
  return (
    <Dialog title={t('agents.port_open')} onClose={onClose}>
      <form onSubmit={submit}>
        <p className="muted">{t('agents.port_lead')}</p>
        <div className="field-row">
          <TextField
            label={t('agents.port_host')}
            name="port-host"
            required
            maxLength={255}
            spellCheck={false}
            autoCapitalize="none"
            value={host}
            onChange={({ target }) => setHost(target.value)}
          />
          <TextField
            label={t('agents.port_number')}
            name="port-number"
            type="number"
            required
            min={1}
            max={65_535}
            value={port}
            onChange={({ target }) => setPort(target.value)}
          />
        </div>
        {open.isError ? <FailureNotice error={open.error} /> : null}
        <div className="dialog-actions">
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button tone="primary" type="submit" busy={open.isPending}>
            {t('agents.port_open')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
