import { useState } from 'react';
import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import type { CameraPageLink } from '../api-types.ts';
import { Button, IconButton } from '../components/button.tsx';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { FailureNotice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { runCommand } from './agent-command.ts';
import type { Agent, Tunnel } from './agent-queries.ts';

type Port = Tunnel['ports'][number];

/** The ports of this server that are ports behind an agent. */
export function AgentPorts({ agent, ports }: { agent: Agent; ports: readonly Port[] }) {
  const [closing, setClosing] = useState<Port | null>(null);
  if (ports.length === 0) return null;
  return (
    <>
      <ul className="agent-ports">
        {ports.map((port) => (
          <PortRow key={port.local_port} agent={agent} port={port} onClosePort={() => setClosing(port)} />
        ))}
      </ul>
      {closing ? <ClosePort agent={agent} port={closing} onClose={() => setClosing(null)} /> : null}
    </>
  );
}

function PortRow({ agent, port, onClosePort }: { agent: Agent; port: Port; onClosePort: () => void }) {
  const { t, formats } = useWords();
  const name = `${port.remote_host}:${port.remote_port}`;
  const isThere = agent.state === 'connected';
  return (
    <li>
      <div>
        <code>
          {port.local_port} → {name}
        </code>
        <span className="muted">
          {port.service} · {formats.bytes(port.bytes_transferred)}
        </span>
      </div>
      {isThere && port.service !== 'rtsp' ? <PageButton agent={agent} port={port} /> : null}
      {isThere ? <IconButton icon="close" label={t('agents.port_close', { name })} onClick={onClosePort} /> : null}
    </li>
  );
}

/** Opens what a port shows to browsers in a tab of its own, on another origin than ours. */
function PageButton({ agent, port }: { agent: Agent; port: Port }) {
  const { t } = useWords();
  const link = useChange(async () => {
    // Opened while the click still counts; browsers block what opens after an answer.
    const tab = window.open('about:blank', '_blank');
    try {
      const path = `/agents/${encodeURIComponent(agent.id)}/page`;
      const body = { host: port.remote_host, port: port.remote_port };
      const { url } = await request<CameraPageLink>('POST', path, { body });
      if (!tab) return window.location.assign(url);
      tab.opener = null;
      tab.location.replace(url);
    } catch (error) {
      tab?.close();
      throw error;
    }
  });
  return (
    <>
      <Button busy={link.isPending} onClick={() => link.mutate(undefined)}>
        {t('agents.page')}
      </Button>
      {link.isError ? <FailureNotice error={link.error} /> : null}
    </>
  );
}

function ClosePort({ agent, port, onClose }: { agent: Agent; port: Port; onClose: () => void }) {
  const { t } = useWords();
  const { remote_host: host, remote_port: number } = port;
  const close = useChange(() => runCommand(agent.id, 'close_port', { host, port: number }), ['agents', 'tunnels']);
  return (
    <ConfirmDialog
      title={t('agents.port_close', { name: `${host}:${number}` })}
      text={t('agents.port_close_lead')}
      action={t('action.close')}
      busy={close.isPending}
      error={close.error}
      onConfirm={() => close.mutate(undefined, { onSuccess: onClose })}
      onClose={onClose}
    />
  );
}
