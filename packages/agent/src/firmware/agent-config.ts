import type { FirmwareProfile } from './profile.ts';

/** What the builder is told about the place where the agent will run. */
export interface AgentSettings {
  /** `wss://HOST/tunnel`. */
  readonly serverUrl?: string;
  /** Enrolment token; it may serve many agents. */
  readonly token?: string;
  /** If missing, each agent makes a name of its own from that of its machine. */
  readonly agentId?: string;
  /** Address of the camera; 127.0.0.1 for an agent inside it. */
  readonly cameraHost?: string;
  readonly tunnelPort?: number;
}

/** `agent.json` of a package. `updateKey`: base64 of the public key that updates must be signed with. */
export function agentConfig(profile: FirmwareProfile, settings: AgentSettings, updateKey: string): string {
  const host = settings.cameraHost ?? (profile.runs === 'inside' ? '127.0.0.1' : undefined);
  const camera = host !== undefined && {
    name: profile.id,
    host,
    rtsp_port: profile.rtsp.port,
    rtsp_path: profile.rtsp.main,
    ...(profile.rtsp.sub !== undefined && { rtsp_sub_path: profile.rtsp.sub }),
    ports: Object.entries(profile.ports)
      .filter(([, port]) => port !== profile.rtsp.port)
      .map(([, port]) => port),
  };
  const config = {
    agent: {
      ...(settings.agentId !== undefined && { agent_id: settings.agentId }),
      tunnel_server_url: settings.serverUrl ?? 'wss://SERVER/tunnel',
      tunnel_server_token: settings.token ?? '',
      update_key: updateKey,
    },
    tunnel: { tunnel_port: settings.tunnelPort ?? 8554, remote_port: profile.rtsp.port },
    cameras: camera ? [camera] : [],
    // No `false` stands here: it would forbid servers to switch on what it names.
    discovery: { ports: [...new Set([profile.rtsp.port, 8554])] },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
