/** A TCP address that the agent may connect to. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** A camera that was named in the configuration. */
export interface CameraConfig {
  /** Unique; `[a-z0-9][a-z0-9_-]{0,63}`, so that it can be a stream id. */
  readonly name: string;
  readonly host: string;
  readonly rtspPort: number;
  /** Path and query of the main quality; found by trying those of all vendors if missing. */
  readonly rtspPath?: string;
  readonly rtspSubPath?: string;
  readonly username?: string;
  readonly password?: string;
  /** More TCP ports of it that the server may reach: its web page, ONVIF. */
  readonly ports: readonly number[];
  /** Port of ONVIF, for PTZ. */
  readonly onvifPort?: number;
}

/** A stream that the agent itself sends to a server. */
export interface PublishConfig {
  /** Name of a camera. */
  readonly camera: string;
  readonly quality: 'main' | 'sub';
  /** `rtsp://HOST:8554/live/NAME` or `rtmp://HOST/live/NAME`, without credentials. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
}

/** The whole configuration of an agent. */
export interface AgentConfig {
  readonly agent: {
    /** What the agent calls itself; made from the machine's name if missing. */
    readonly agentId?: string;
    /** `ws://` or `wss://`, tried in order. */
    readonly serverUrls: readonly string[];
    /** Enrolment token; not needed once the server knows the agent's key. */
    readonly token?: string;
    /** Base64 of the server's ed25519 key, where it is pinned beforehand. */
    readonly serverKey?: string;
    /** Base64 of SHA-256 of public keys (RFC 7469 §2.4) that the TLS certificate may have. */
    readonly certificatePins: readonly string[];
    /** PEM file of authorities to trust besides those of the system. */
    readonly caFile?: string;
    /** `http://USER:PASSWORD@HOST:PORT`, reached by CONNECT. */
    readonly proxy?: string;
    /** Base64 of the ed25519 key that updates must be signed with; without it there are none. */
    readonly updateKey?: string;
    readonly stateDir: string;
    /** What a server may ask for besides connections to targets. */
    readonly allowCommands: boolean;
  };
  readonly tunnel: {
    /** Wished for on the server; 8554 by default. */
    readonly tunnelPort: number;
    /** The camera's port behind `tunnelPort`. */
    readonly remotePort: number;
    readonly resendBufferBytes: number;
    /** Addresses that the server may reach, besides the ports of cameras. Ports may be left open: 0. */
    readonly targets: readonly Target[];
  };
  readonly cameras: readonly CameraConfig[];
  readonly discovery: {
    readonly enabled: boolean;
    /** Asked one by one, besides multicast. */
    readonly hosts: readonly string[];
    readonly ports: readonly number[];
    readonly intervalMs: number;
    /** Whether what was found may be reached by the server at once. */
    readonly register: boolean;
    readonly username?: string;
    readonly password?: string;
  };
  readonly buffer: {
    readonly enabled: boolean;
    readonly store: 'memory' | 'disk';
    readonly maxBytes: number;
  };
  readonly publish: readonly PublishConfig[];
}
