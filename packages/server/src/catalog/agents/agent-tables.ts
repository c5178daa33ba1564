/** Agents behind tunnels. */
export interface AgentTables {
  agents: {
    id: string;
    /** ed25519, 32 bytes; null after an administrator released the identity. */
    public_key: Uint8Array | null;
    revoked_ms: number | null;
    /** Id of the enrolment token. */
    enrolled_by: string | null;
    created_ms: number;
    seen_ms: number | null;
    address: string | null;
    software: string | null;
    /** Connections so far; the highest is the valid one. */
    epoch: number;
    /** JSON of what it last reported. */
    cameras: string | null;
  };
  enrolment_tokens: {
    id: string;
    /** SHA-256 of the secret. */
    secret_hash: Uint8Array;
    name: string;
    created_by: string;
    created_ms: number;
    expires_ms: number;
    uses: number;
    max_uses: number;
  };
  agent_ports: {
    agent_id: string;
    /** As the agent dials it. */
    host: string;
    port: number;
    /** `rtsp`, `http` or `tcp` */
    service: string;
    local_port: number;
    /** What the agent wished when it was given; null where nothing is known of that. */
    wished_port: number | null;
  };
}
