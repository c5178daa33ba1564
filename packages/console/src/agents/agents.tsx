import { FailureNotice, Loading, Notice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { AgentActions } from './agent-actions.tsx';
import { AgentPorts } from './agent-ports.tsx';
import { type Agent, type Tunnel, useAgents, useTunnels } from './agent-queries.ts';
import { EnrolmentTokens } from './enrolment-tokens.tsx';
import { FoundCameras } from './found-cameras.tsx';

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
  const facts: [string, string][] = [
    [t('agents.address'), agent.address ?? '–'],
    [t('agents.software'), agent.software ?? '–'],
  ];
  if (agent.state !== 'connected')
    facts.push([t('agents.seen'), agent.last_seen === null ? '–' : formats.dateTime(Date.parse(agent.last_seen))]);
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
      <AgentPorts agent={agent} ports={tunnel?.ports ?? []} />
      <FoundCameras agent={agent} />
      <AgentActions agent={agent} />
    </section>
  );
}
