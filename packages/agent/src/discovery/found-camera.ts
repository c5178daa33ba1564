import type { FoundTrack } from './describe-camera.ts';

/** A stream that answered to DESCRIBE. */
export interface FoundStream {
  readonly quality: 'main' | 'sub';
  readonly path: string;
  readonly tracks: readonly FoundTrack[];
}

/** A camera of the agent's network, as the server is told: without user and password. */
export interface FoundCamera {
  /** Unique for this agent and steady: the configured name, or made from the address. */
  readonly name: string;
  readonly host: string;
  readonly rtspPort: number;
  readonly vendor?: string;
  readonly model?: string;
  readonly firmware?: string;
  /** Address of its ONVIF service. */
  readonly onvifUrl?: string;
  readonly streams: readonly FoundStream[];
  /** Other ports that answered. */
  readonly ports: readonly number[];
  readonly configured: boolean;
  /** Why no stream could be described: `RTSP_CREDENTIALS_MISSING`. */
  readonly problem?: string;
}
