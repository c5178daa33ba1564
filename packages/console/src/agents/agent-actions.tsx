import { type ReactNode, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import { Button } from '../components/button.tsx';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { FailureNotice, Notice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { runCommand } from './agent-command.ts';
import type { Agent } from './agent-queries.ts';
import { LogDialog } from './log-dialog.tsx';
import { PortDialog } from './port-dialog.tsx';
import { UpdateDialog } from './update-dialog.tsx';

const refreshed = ['agents', 'tunnels'];
/** What is asked about before it is done. */
const interrupting = ['restart', 'reconnect', 'release', 'revoke'] as const;
type Interrupting = (typeof interrupting)[number];

/** What an agent can be told, and what can be done about its identity. */
export function AgentActions({ agent }: { agent: Agent }) {
  const { t } = useWords();
  const [open, setOpen] = useState<'log' | 'port' | 'update' | Interrupting | null>(null);
  const discover = useChange(() => runCommand(agent.id, 'discover'), refreshed);
  const found = Number(discover.data?.data?.['cameras'] ?? 0);
  const close = () => setOpen(null);
  const button = (name: NonNullable<typeof open>, text: ReactNode) => (
    <Button tone={name === 'revoke' ? 'danger' : 'plain'} onClick={() => setOpen(name)}>
      {text}
    </Button>
  );
  return (
    <>
      <div className="agent-actions">
        {agent.state === 'connected' ? (
          <>
            <Button icon="search" busy={discover.isPending} onClick={() => discover.mutate(undefined)}>
              {t('agents.discover')}
            </Button>
            {button('log', t('agents.log'))}
            {button('port', t('agents.port_open'))}
            {button('update', t('agents.update'))}
            {button('restart', t('agents.restart'))}
            {button('reconnect', t('agents.reconnect'))}
          </>
        ) : null}
        {agent.state === 'released' ? null : button('release', t('agents.release'))}
        {agent.state === 'revoked' ? null : button('revoke', t('agents.revoke'))}
      </div>
      {discover.isSuccess ? <Notice tone="success">{t('agents.discovered', { count: found })}</Notice> : null}
      {discover.isError ? <FailureNotice error={discover.error} /> : null}
      {open === 'log' ? <LogDialog agent={agent} onClose={close} /> : null}
      {open === 'port' ? <PortDialog agent={agent} onClose={close} /> : null}
      {open === 'update' ? <UpdateDialog agent={agent} onClose={close} /> : null}
      {interrupting.some((name) => name === open) ? (
        <Confirm agent={agent} what={open as Interrupting} onClose={close} />
      ) : null}
    </>
  );
}

function Confirm({ agent, what, onClose }: { agent: Agent; what: Interrupting; onClose: () => void }) {
  const { t } = useWords();
  const id = encodeURIComponent(agent.id);
  const run: Record<Interrupting, () => Promise<unknown>> = {
    restart: () => runCommand(agent.id, 'restart'),
    reconnect: () => request('POST', `/tunnels/${id}/restart`),
    release: () => request('POST', `/agents/${id}/release`),
    revoke: () => request('DELETE', `/agents/${id}`),
  };
  const change = useChange(run[what], refreshed);
  return (
    <ConfirmDialog
      title={`${t(`agents.${what}`)}: ${agent.id}`}
      text={t(`agents.${what}_lead`)}
      action={t(`agents.${what}`)}
      busy={change.isPending}
      error={change.error}
      onConfirm={() => change.mutate(undefined, { onSuccess: onClose })}
      onClose={onClose}
    />
  );
}
