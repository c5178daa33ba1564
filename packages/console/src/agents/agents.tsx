import { useState } from 'react';
import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import { Button } from '../components/button.tsx';
import { FailureNotice, Loading, Notice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { AdoptDialog } from './adopt-dialog.tsx';
import { type Agent, type FoundCamera, type Tunnel, useAgents, useTunnels } from './agent-queries.ts';
import { EnrolmentTokens } from './enrolment-tokens.tsx';

/** Agents, their tunnels, the cameras that they found, and the tokens that let them in. */
export function Agents() {
  const { t } = useWords();
  const query = useAgents();
  const tunnels = useTunnels().data;
  return (
    <>
      <p className="muted">{t('agents.lead')}</p>
      {query.isError ? <FailureNotice error={query.error} onRetry={() => void query.refetch()} /> : null}
      {query.isPending ? <Loading /> : null}
      {query.data?.length === 0 ? <Notice tone="info">{t('agents.none')}</Notice> : null}
      {query.data?.map((agent) => (
        <AgentCard key={agent.id} agent={agent} tunnel={tunnels?.get(agent.id)} />
      ))}
      <EnrolmentTokens />
    </>
  );
}

const tones: Readonly<Record<Agent['state'], string>> = {
  connected: 'online',
  reconnecting: 'connecting',
  disconnected: 'offline',
  revoked: 'stopped',
  released: 'stopped',
};

function AgentCard({ agent, tunnel }: { agent: Agent; tunnel: Tunnel | undefined }) {
  const { t, formats } = useWords();
  const [adopting, setAdopting] = useState<FoundCamera | null>(null);
  const facts: [string, string][] = [
    [t('agents.address'), agent.address ?? '–'],
    [t('agents.software'), agent.software ?? '–'],
    [t('agents.seen'), agent.last_seen === null ? '–' : formats.dateTime(Date.parse(agent.last_seen))],
  ];
  if (tunnel)
    facts.push(
      [t('agents.carried'), formats.bytes(tunnel.bytes_transferred)],
      [t('agents.connections'), formats.number(tunnel.connections)],
      [t('agents.resumes'), formats.number(tunnel.resumes)],
    );
  if (tunnel && tunnel.round_trip_ms !== null)
    facts.push([t('agents.round_trip'), t('unit.ms', { value: formats.number(tunnel.round_trip_ms, 0) })]);
  return (
    <section className="card agent" data-agent={agent.id}>
      <header className="card-head">
        <h2>{agent.id}</h2>
        <span className={`badge badge-${tones[agent.state]}`}>{t(`agents.state.${agent.state}`)}</span>
      </header>
      <dl className="facts counts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {tunnel && tunnel.ports.length > 0 ? (
        <ul className="agent-ports">
          {tunnel.ports.map((port) => (
            <li key={port.local_port}>
              <code>
                {port.local_port} → {port.remote_host}:{port.remote_port}
              </code>
              <span className="muted">
                {port.service} · {formats.bytes(port.bytes_transferred)}
              </span>
            </li>
          ))}
        </ul>
      ) : null}
      {agent.cameras.length === 0 ? null : (
        <ul className="tokens">
          {agent.cameras.map((camera) => (
            <CameraRow key={camera.id} camera={camera} onAdopt={() => setAdopting(camera)} />
          ))}
        </ul>
      )}
      <AgentActions agent={agent} />
      {adopting ? <AdoptDialog agent={agent} camera={adopting} onClose={() => setAdopting(null)} /> : null}
    </section>
  );
}

function CameraRow({ camera, onAdopt }: { camera: FoundCamera; onAdopt: () => void }) {
  const { t } = useWords();
  const name = [camera.vendor, camera.model].filter(Boolean).join(' ') || camera.id;
  const paths = camera.streams.map(({ port, path, width, height }) =>
    [`:${port}${path}`, width === undefined ? '' : `${width}×${height}`].filter(Boolean).join(' '),
  );
  return (
    <li>
      <div>
        <strong>
          {name} <span className="muted">{camera.host}</span>
        </strong>
        <small>{camera.problem ?? (camera.reachable ? paths.join(' · ') : t('agents.unreachable'))}</small>
      </div>
      <Button icon="add" onClick={onAdopt}>
        {t('agents.adopt')}
      </Button>
    </li>
  );
}

function AgentActions({ agent }: { agent: Agent }) {
  const { t } = useWords();
  const [sure, setSure] = useState(false);
  const path = encodeURIComponent(agent.id);
  const keys = ['agents', 'tunnels'];
  const restart = useChange(() => request('POST', `/tunnels/${path}/restart`), keys);
  const revoke = useChange(() => request('DELETE', `/agents/${path}`), keys);
  const release = useChange(() => request('POST', `/agents/${path}/release`), keys);
  const failed = restart.error ?? revoke.error ?? release.error;
  return (
    <>
      <div className="dialog-actions">
        {agent.state === 'connected' ? (
          <Button busy={restart.isPending} onClick={() => restart.mutate(undefined)}>
            {t('agents.restart')}
          </Button>
        ) : null}
        {agent.state === 'released' ? null : (
          <Button title={t('agents.release_hint')} busy={release.isPending} onClick={() => release.mutate(undefined)}>
            {t('agents.release')}
          </Button>
        )}
        {agent.state === 'revoked' ? null : (
          <Button
            tone="danger"
            busy={revoke.isPending}
            onClick={() => (sure ? revoke.mutate(undefined) : setSure(true))}
          >
            {t(sure ? 'agents.revoke_sure' : 'tokens.revoke_button')}
          </Button>
        )}
      </div>
      {failed ? <FailureNotice error={failed} /> : null}
    </>
  );
}
