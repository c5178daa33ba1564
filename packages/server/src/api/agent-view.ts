import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { AgentRegistry } from '../agents/agent-registry.ts';
import type { AgentRecord } from '../catalog/agents/agent-store.ts';
import type { agentSchema, plainTunnelSchema, tunnelSchema } from './schemas/agents.ts';
import { toInstant, toInstantOrNull } from './time-text.ts';

/** A tunnel as it was promised to other people's programs. */
export function toPlainTunnel(agents: AgentRegistry, id: string, nowMs: number): z.output<typeof plainTunnelSchema> {
  const entry = agents.status(id);
  const ports = agents.ports.of(id);
  const first = ports.find(({ service }) => service === 'rtsp') ?? ports[0];
  return {
    id,
    status: !entry ? 'disconnected' : entry.isUp ? 'connected' : 'reconnecting',
    local_port: first?.localPort ?? null,
    remote_port: first?.port ?? null,
    bytes_transferred: ports.reduce((sum, { bytesTransferred }) => sum + bytesTransferred, 0),
    connections: entry?.session.tunnel.stats.channels ?? 0,
    uptime: entry ? Math.max(0, Math.round((nowMs - entry.connectedMs) / 100) / 10) : 0,
  };
}

/** The same with more. */
export function toTunnel(agents: AgentRegistry, record: AgentRecord, nowMs: number): z.output<typeof tunnelSchema> {
  const stats = agents.session(record.id)?.tunnel.stats;
  return {
    ...toPlainTunnel(agents, record.id, nowMs),
    ports: agents.ports.of(record.id).map((port) => ({
      local_port: port.localPort,
      remote_host: port.host,
      remote_port: port.port,
      service: port.service,
      connections: port.connections.size,
      bytes_transferred: port.bytesTransferred,
    })),
    round_trip_ms: stats?.roundTripMs === undefined ? null : Math.round(stats.roundTripMs * 10) / 10,
    resumes: stats?.resumes ?? 0,
    buffered_bytes: stats?.bufferedBytes ?? 0,
    epoch: record.epoch,
  };
}

/** An agent as an administrator sees it. */
export function toAgent(agents: AgentRegistry, record: AgentRecord): z.output<typeof agentSchema> {
  const entry = agents.status(record.id);
  const online = !entry ? 'disconnected' : entry.isUp ? 'connected' : 'reconnecting';
  const health = entry?.session.health?.report;
  return {
    id: record.id,
    state: record.revokedMs !== undefined ? 'revoked' : record.publicKey ? online : 'released',
    software: record.software ?? null,
    address: record.address ?? null,
    key: record.publicKey ? `SHA256:${createHash('sha256').update(record.publicKey).digest('base64url')}` : null,
    enrolled: toInstant(record.createdMs),
    last_seen: toInstantOrNull(record.seenMs),
    health: health ? { ...health } : null,
    cameras: (entry?.session.cameras ?? record.cameras).map((camera) => ({
      ...camera,
      streams: camera.streams.map((stream) => ({ ...stream, codecs: [...stream.codecs] })),
    })),
  };
}
