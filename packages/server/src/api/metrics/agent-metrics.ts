import type { AgentCounts } from '../../agents/agent-registry.ts';
import type { MetricFamily, MetricType } from './exposition.ts';

/** Metrics of the tunnels. */
export function agentFamilies(counts: AgentCounts): readonly MetricFamily[] {
  const one = (...[name, help, value, type]: [string, string, number, MetricType]): MetricFamily => ({
    name: `watchpost_${name}`,
    help,
    type,
    samples: [[{}, value]],
  });
  return [
    one('agents_online', 'Agents that are connected.', counts.online, 'gauge'),
    one('tunnel_connections', 'Connections through tunnels.', counts.connections, 'gauge'),
    one('tunnel_sessions_total', 'Sessions of agents that began.', counts.accepted, 'counter'),
    one('tunnel_resumes_total', 'Sessions that went on over a new connection.', counts.resumed, 'counter'),
    one('tunnel_refused_total', 'Agents that were not let in.', counts.refused, 'counter'),
    one('tunnel_received_bytes_total', 'Bytes that agents sent.', counts.bytesIn, 'counter'),
    one('tunnel_sent_bytes_total', 'Bytes that agents were sent.', counts.bytesOut, 'counter'),
  ];
}
