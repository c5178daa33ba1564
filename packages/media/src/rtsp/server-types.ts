import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { SdpSession } from '../sdp/sdp.ts';
import type { RtspHeaders, RtspRequest } from './message.ts';
import type { RtspRange } from './range.ts';
import type { RtspServerAuth } from './server-auth.ts';
import type { PlayRequest } from './server-play.ts';
import type { RtspServerSession } from './server-session.ts';
import type { ServerTarget } from './server-target.ts';
import type { TransportSpec } from './transport.ts';

/** What an `RtspServer` is made of. */
export interface RtspServerOptions {
  /** Value of the `Server` header. */
  readonly serverName: string;
  readonly auth?: RtspServerAuth;
  /** Told to clients is 5 s less: Windows Media Foundation sends its keep-alive when the time is up. 60 000 by default. */
  readonly sessionTimeoutMs?: number;
  /** Ends sessions that stay silent for longer; otherwise an interleaved session lasts as long as its connection. */
  readonly enforceTimeout?: boolean;
  /** Track N is played on the channels 2N and 2N+1 whatever the client asks for, so that one framing serves all. */
  readonly fixedChannels?: boolean;
  /** `onSetup` has groups for players that want multicast. */
  readonly multicast?: boolean;
  /** Features besides ONVIF replay that a client may require (RFC 2326 §12.32), in lower case. */
  readonly features?: readonly string[];
}

/** What a path holds. Track N has `a=control:trackID=N`. */
export interface ServedDescription {
  readonly sdp: SdpSession;
  readonly trackCount: number;
  /** PLAY may begin anywhere in it: `preparePlay` is asked. */
  readonly seekable?: boolean;
}

/** Why a request is refused: an RTSP status that is not 2xx, 301 and 302 with a `Location`. */
export interface ServedRefusal {
  readonly status: number;
  readonly reason: string;
  readonly location?: string;
  readonly headers?: RtspHeaders;
}

/** A track that a client has set up. */
export interface ServedTrack {
  readonly trackIndex: number;
  /** -1 over UDP. */
  readonly rtpChannel: number;
  readonly rtcpChannel: number;
  readonly lower: 'tcp' | 'udp' | 'multicast';
}

/** First packet that a track will send. */
export interface ServedPosition {
  readonly trackIndex: number;
  readonly sequence: number;
  readonly rtpTime: number;
}

/** A SETUP that the server could do; the handler has the last word. */
export interface SetupRequest {
  readonly trackIndex: number;
  /** The transport chosen among those offered; over UDP with `clientPort`. */
  readonly spec: TransportSpec;
  /** The client will send this track. */
  readonly record: boolean;
  readonly target: ServerTarget;
  readonly request: RtspRequest;
}

/** The handler's answer to a SETUP; `serverPort` over UDP, `group` for multicast. */
export interface SetupAnswer {
  readonly serverPort?: readonly [rtp: number, rtcp: number];
  readonly group?: {
    readonly address: string;
    readonly ports: readonly [rtp: number, rtcp: number];
    readonly ttl: number;
  };
}

/** Where a PLAY begins that was asked for with `preparePlay`. */
export interface PlayAnswer {
  readonly range: RtspRange;
  readonly scale: number;
  readonly positions: readonly ServedPosition[];
}

/** What an `RtspServer` calls. Each `answer` is called once, now or later; requests that follow wait until then. */
export interface RtspServerHandler {
  send(bytes: Uint8Array): void;
  /** Any whole request, before it is looked at. */
  onRequest?(request: RtspRequest): void;
  /** Decides whether a request may be made; for all but OPTIONS and unknown methods. Three wrong logins close the connection. */
  authorize?(request: RtspRequest, target: ServerTarget, answer: (refusal?: ServedRefusal) => void): void;
  /** Another connection's session, where this connection may go on with it. */
  findSession?(id: string): RtspServerSession | undefined;
  /** Asks for what a path holds. */
  onDescribe(target: ServerTarget, answer: (result: ServedDescription | ServedRefusal) => void): void;
  /** A client wants to send what `sdp` describes. Without it, nobody can publish. */
  onAnnounce?(target: ServerTarget, sdp: SdpSession, answer: (refusal?: ServedRefusal) => void): void;
  /** Without it, interleaved transport is all there is. */
  onSetup?(setup: SetupRequest, answer: (result: SetupAnswer | ServedRefusal) => void): void;
  /** The positions for `RTP-Info`, only of tracks that have sent something; packets flow after `onPlay`. */
  positions(tracks: readonly ServedTrack[]): readonly ServedPosition[];
  /** For what can be sought in, instead of `positions`; what was played before ends. */
  preparePlay?(play: PlayRequest, answer: (result: PlayAnswer | ServedRefusal) => void): void;
  /** The answer to PLAY is sent: packets may follow. */
  onPlay(tracks: readonly ServedTrack[], target: ServerTarget): void;
  /** Before the answer to RECORD is sent: packets will come. */
  onRecord?(tracks: readonly ServedTrack[], target: ServerTarget): void;
  onPause(): void;
  /** TEARDOWN of one track, which is no longer among the tracks; the session goes on with the others. */
  onTrackEnd?(trackIndex: number): void;
  /** A packet from the client, `chunk[start…end)`. The chunk is never written again there, so it may be kept. */
  onInterleaved(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void;
  /** Over: close the connection once what was sent is out. The session is over, too, where its state is `ended`. */
  onEnd(error?: WatchpostError): void;
}
