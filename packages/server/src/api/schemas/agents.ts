import { commandNames } from '@watchpost/tunnel/messages/server-message.ts';
import { z } from 'zod';
import { instant } from './common-fields.ts';

const status = z.enum(['connected', 'reconnecting', 'disconnected']);

const tunnelFields = {
  status: status.describe('"reconnecting": connections wait for the agent to come back'),
  local_port: z.int().nullable().describe('Port of this server that is the port of the camera; the lowest of several'),
  remote_port: z.int().nullable().describe('The port of the camera'),
  bytes_transferred: z.number().describe('Through all ports of the agent since the server began, both directions'),
  connections: z.int(),
  uptime: z.number().describe('Seconds since the agent connected; 0 while it is not there'),
};

const portSchema = z.object({
  local_port: z.int(),
  remote_host: z.string(),
  remote_port: z.int(),
  service: z.enum(['rtsp', 'http', 'tcp']),
  connections: z.int(),
  bytes_transferred: z.number(),
});

/** `GET /tunnels` at the root: what other people's programs were promised. */
export const plainTunnelSchema = z.object({ id: z.string(), ...tunnelFields });

/** The same below `/api/v1`, with more. */
export const tunnelSchema = z
  .object({
    id: z.string().describe("The agent's id"),
    ...tunnelFields,
    ports: z.array(portSchema),
    round_trip_ms: z.number().nullable(),
    resumes: z.int().describe('How often connections went on after the tunnel was cut'),
    buffered_bytes: z.number().describe('Sent to the agent and not yet acknowledged'),
    epoch: z.int().describe('Connections of this agent so far'),
  })
  .meta({ id: 'Tunnel' });

const cameraSchema = z.object({
  id: z.string(),
  host: z.string(),
  vendor: z.string().optional(),
  model: z.string().optional(),
  firmware: z.string().optional(),
  reachable: z.boolean(),
  bitrate: z.number().optional(),
  problem: z.string().optional(),
  streams: z.array(
    z.object({
      port: z.int(),
      path: z.string(),
      codecs: z.array(z.string()),
      width: z.int().optional(),
      height: z.int().optional(),
      buffer: z.string().optional(),
    }),
  ),
});

/** One agent. */
export const agentSchema = z
  .object({
    id: z.string(),
    state: z.enum(['connected', 'reconnecting', 'disconnected', 'revoked', 'released']),
    software: z.string().nullable(),
    address: z.string().nullable(),
    key: z.string().nullable().describe('Fingerprint of its key'),
    enrolled: instant,
    last_seen: instant.nullable(),
    health: z.record(z.string(), z.number()).nullable().describe('What it said last of itself'),
    cameras: z.array(cameraSchema),
  })
  .meta({ id: 'Agent' });

/** `POST /agents/enrolment-tokens` */
export const newEnrolmentTokenSchema = z
  .object({
    name: z.string().min(1).max(100).default('agent'),
    max_uses: z.int().min(1).max(100_000).default(1).describe('Agents that it lets in'),
    expires_hours: z.number().min(0.001).max(8784).default(168),
  })
  .strict()
  .meta({ id: 'NewEnrolmentToken' });

/** An enrolment token without its secret. */
export const enrolmentTokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    created_by: z.string(),
    created: instant,
    expires: instant,
    uses: z.int(),
    max_uses: z.int(),
  })
  .meta({ id: 'EnrolmentToken' });

/** `POST /agents/{id}/commands` */
export const commandSchema = z
  .object({ command: z.enum(commandNames), params: z.record(z.string(), z.unknown()).default({}) })
  .strict()
  .meta({ id: 'AgentCommand' });

/** What a command came to. */
export const commandResultSchema = z
  .object({
    ok: z.boolean(),
    error: z.string().optional(),
    data: z.record(z.string(), z.unknown()).optional(),
    attachment: z.object({ name: z.string(), base64: z.string() }).optional().describe('A picture or a long log'),
  })
  .meta({ id: 'AgentCommandResult' });

/** `POST /agents/{id}/adopt` */
export const adoptSchema = z
  .object({
    cameras: z.array(z.string().max(64)).max(256).optional().describe('Ids of its cameras; all of them where missing'),
    username: z.string().max(256).optional(),
    password: z.string().max(256).optional(),
    record: z.boolean().default(true),
  })
  .strict()
  .meta({ id: 'AdoptCameras' });

/** `POST /agents/{id}/page` */
export const pageSchema = z
  .object({
    host: z.string().max(255).optional().describe('As the agent knows it; the first with that port where missing'),
    port: z.int().min(1).max(65_535).default(80),
    tls: z.boolean().optional().describe('The camera speaks HTTPS there; at port 443 where missing'),
  })
  .strict()
  .meta({ id: 'CameraPage' });

/** A link that works once. */
export const pageLinkSchema = z.object({ url: z.string(), expires: instant }).meta({ id: 'CameraPageLink' });
