import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { SdpSession } from '../sdp/sdp.ts';
import type { ReadLatm, SdpTrack } from '../sdp/tracks.ts';
import type { ClientKeys, TrackKeys } from './client-keys.ts';
import type { MediaTransport } from './client-setup.ts';
import type { Credentials } from './digest.ts';
import type { RtspFramerMemory } from './framing.ts';
import type { RtspHeaders } from './message.ts';
import type { RtpInfo } from './rtp-info.ts';
import type { TransportSpec } from './transport.ts';

/** What an `RtspClient` is made of. */
export interface RtspClientOptions extends RtspFramerMemory {
  /** Address without credentials: `rtsp://192.0.2.1:554/stream`. */
  readonly url: string;
  readonly credentials?: Credentials;
  /** For `tracksFromSdp`. */
  readonly readLatm?: ReadLatm;
  /** Always sent: some cameras answer 401 to a DESCRIBE without it. */
  readonly userAgent: string;
  /** Which tracks to set up; by default all that are no back channel. Encrypted media (SAVP) are never set up without `srtp`. */
  readonly wantTrack?: (track: SdpTrack, index: number) => boolean;
  /** Ends after the description, without a session. */
  readonly describeOnly?: boolean;
  /** `tcp` by default; the others need `openPorts` and `onTransport`. */
  readonly transport?: MediaTransport;
  /** For encrypted media: of this session alone; the handler must have `onKeys` then. */
  readonly keys?: ClientKeys;
  /** A feature without which the session makes no sense (RFC 2326 §12.32), and the requests that ask for it. */
  readonly require?: { readonly feature: string; readonly methods: readonly string[] };
  /** Headers of PLAY; a `Range` from the beginning (`npt=0.000-`) by default. */
  readonly playHeaders?: RtspHeaders;
  /** How long an answer may take; 10 000 by default. */
  readonly answerTimeoutMs?: number;
}

/** What the session looked like when it began to play. */
export interface PlayingInfo {
  /** URL that aggregate requests go to. */
  readonly baseUrl: string;
  readonly sessionId?: string;
  readonly keepAliveMs: number;
  /** Tracks that were set up: indices of `onTracks`. */
  readonly trackIndices: readonly number[];
  /** `RTP-Info`, where the camera sent one. */
  readonly rtpInfo: readonly RtpInfo[];
}

/** What an `RtspClient` calls. It never waits: whatever these do happens before `receive` or `tick` returns. */
export interface RtspClientHandler {
  /** To be written to the connection; the bytes are the caller's. */
  send(bytes: Uint8Array): void;
  /** All tracks of the description that have a name, before any is set up. */
  onTracks(tracks: readonly SdpTrack[], sdp: SdpSession): void;
  /** Transport `udp`: asks for two ports of ours for a track; `answer` is called once, now or later. */
  openPorts?(trackIndex: number, answer: (ports: readonly [rtp: number, rtcp: number]) => void): void;
  /** Transport `udp` or `multicast`: what the camera agreed to, as far as it said. */
  onTransport?(trackIndex: number, spec: TransportSpec | undefined): void;
  /** An encrypted track is set up: its packets come as they are sent, to be opened with these keys. */
  onKeys?(trackIndex: number, keys: TrackKeys): void;
  onPlaying(info: PlayingInfo): void;
  /** An RTP or RTCP packet, `chunk[start…end)`, which may be kept (see `RtspFramerHandler`). */
  onInterleaved(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void;
  /** The session is over; nothing else is called afterwards. No error means that it was asked for. */
  onEnd(error?: WatchpostError): void;
  /** Asks for a new connection, to `url`, in place of the present one; call `start` on the client once it stands. */
  connect(url: string): void;
  /** Bytes of garbage passed over; for statistics. */
  onGarbage?(bytes: number): void;
}
