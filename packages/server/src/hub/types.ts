import type { Clock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import type { CodecName, RtpPacket, Sample, Track } from '@watchpost/media/types.ts';
import type { RecordingRules } from '../config/recording-rules.ts';
import type { ExpiringCertificate } from '../net/certificate.ts';
import type { Dial } from '../net/dial.ts';
import type { HttpServer } from '../net/http-server.ts';
import type { Follower } from './company.ts';
import type { Stream } from './stream.ts';
import type { StreamHub } from './stream-hub.ts';

/** What a stream is doing; the words of the API. */
export type StreamState = 'connecting' | 'online' | 'offline' | 'on_demand' | 'stopped';

/** A stream as somebody wants it: from the configuration file or made by API. */
export interface StreamDefinition {
  /** `[a-z0-9][a-z0-9_-]{0,63}`, the second quality is `ID.sub`. */
  readonly id: string;
  readonly title: string;
  /** Name of the protocol that pulls or receives it. */
  readonly protocol: string;
  /** In order of preference. Empty for streams that are pushed to us. */
  readonly sources: readonly SourceUrl[];
  /** Where publishers of its protocol send it, besides the address with its id: `APP/STREAM`. */
  readonly publishPath?: string;
  /** Where else the stream is sent to, all at once. */
  readonly push?: readonly SourceUrl[];
  readonly record: boolean;
  /** When and how it is recorded; always where it is missing. */
  readonly recording?: RecordingRules;
  /** Somebody switched recording on or off, whatever `record` and `recording` say. */
  readonly manual?: boolean;
  readonly onDemand: boolean;
  readonly stopped: boolean;
  /** `file`: read-only in the API. `publisher`: it goes with whoever sends it, or asked for it by its place. */
  readonly origin: 'file' | 'api' | 'publisher';
}

/** Remembers which streams announce sound and send none; it outlives the hub. */
export interface SilentStreams {
  has(streamId: string): boolean;
  /** The stream turned out to send no sound, or to send it after all, or it is removed. */
  note(streamId: string, isSilent: boolean): void;
}

/** What a protocol writes a live stream into. Made by `Publish`; one for each session with the source. */
export interface Publisher {
  /** `trackIndex` counts the tracks given to `Publish`; `lost` packets are missing right before this one. The packet's chunk is never written again. */
  writeRtp(trackIndex: number, packet: RtpPacket, lost: number): void;
  /** RTCP sender report: `rtpTimestamp` was captured at `ntpMs`, ms since 1970 UTC. */
  senderReport(trackIndex: number, ntpMs: number, rtpTimestamp: number): void;
  /** For protocols without RTP. The units are never written again. */
  writeUnit(trackIndex: number, unit: SourceUnit): void;
  /** End of one batch of input (one socket read): readers are woken once. */
  flush(): void;
  /** How long pictures may wait in the system's buffers, ms: 0 while somebody waits for each of them, Infinity while nobody reads. */
  readonly patienceMs: number;
  /** Counts bytes that were skipped, packets that were malformed, … under a stable name. */
  count(name: string, n: number): void;
  /** Ends the session; the stream goes offline. Later calls do nothing. */
  close(reason?: WatchpostError): void;
}

/** A picture or a frame of sound of a source without RTP; time stamps as the source gave them, in ticks of the track, not yet repaired. */
export interface SourceUnit {
  readonly pts: number;
  readonly dts: number;
  readonly key: boolean;
  readonly units: readonly Uint8Array[];
  /** From this unit on, where it has new codec data: another object with the same id, codec and clock rate. */
  readonly track?: Track;
}

/** A track as a protocol announces it, with what its depacketizer needs to know. */
export interface AnnouncedTrack {
  readonly track: Track;
  /** SDP fmtp parameters; empty where there is no SDP. */
  readonly format: Readonly<Record<string, string>>;
}

/**
 * Gives chunks of packets back for use again, where nobody saw them but the GOP cache and readers that tell what they
 * hold: that spares a server that mostly caches and records the work of allocating and collecting as much memory as its
 * cameras send.
 */
export interface ChunkRecycler {
  /** From now on readers may hold any chunk: those in use are never given back. */
  expose(): void;
  /** No reader that may hold any chunk is open any more: chunks allocated from now on may be given back. */
  conceal(): void;
  /** What there is now is never given back: it is not known for how long it is in use. */
  forget(): void;
  /**
   * What was allocated before all of these, each a chunk or a part of one, is out of use. Where one of them is older than
   * all that may be given back nothing is known to be out of use.
   */
  release(inUse: readonly Uint8Array[]): void;
}

/** How the bytes of a source come. */
export interface SourceTransport {
  /** `tcp`, `tls`, `udp`, `multicast`; RTSP has `http` and `https`, too. */
  readonly name: string;
  /** The way that was wanted, and why it is another one. */
  readonly insteadOf?: { readonly name: string; readonly reason?: WatchpostError | undefined };
}

/** Begins a session: the stream is online once the first picture (or sound, where there is no picture) is whole. */
export type Publish = (
  tracks: readonly AnnouncedTrack[],
  recycler?: ChunkRecycler,
  transport?: SourceTransport,
) => Publisher;

/** What every protocol is handed. */
export interface ProtocolContext {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the pull, push or listener must end. */
  readonly signal: AbortSignal;
  /** Opens a TCP connection to wherever the address is, tunnelled ones included. */
  readonly dial: Dial;
  /** The protocol's own section of the configuration, already validated. */
  readonly section: Readonly<Record<string, unknown>>;
}

/** How a push tells what became of it. */
export interface PushProgress {
  /** The target takes the stream: from now on it counts as online. */
  accepted(): void;
  /** Bytes that were written to the target. */
  sent(bytes: number): void;
}

/** What a push is handed besides. */
export interface PushContext extends ProtocolContext, PushProgress {}

/** What listeners are handed besides. */
export interface ListenContext extends ProtocolContext {
  readonly http: HttpServer;
  readonly access: AccessControl;
  /** Streams that have no id of their own; missing where there are none. */
  readonly located?: LocatedStreams;
  /** `section` as it is now, where the configuration may be read again; else it stays what it is. */
  readonly currentSection?: () => Readonly<Record<string, unknown>>;
  /** Called once a day while a certificate of the protocol must be renewed. */
  readonly onExpiring?: (certificate: ExpiringCertificate) => void;
}

/** Streams that an address names by where their camera is, not by an id. */
export interface LocatedStreams {
  /** The id that rights are asked for; undefined where path (percent-decoded) and query name no such stream. Makes nothing. */
  idOf(path: string, query: string): string | undefined;
  /** The stream, made if need be. Rejects with `not_found`, `unavailable` or `resource_exhausted`. */
  open(path: string, query: string): Promise<Stream>;
}

/** Who asks for what; thrown `unauthenticated` or `forbidden` where the answer is no. */
export interface AccessControl {
  authorize(request: AccessRequest): Promise<Grant>;
}

/** Leave to see or send one stream. Costs nothing until somebody wants to hear of its end. */
export interface Grant {
  /**
   * Calls `end` at most once, within 2 s of the moment when the right is gone, with `unauthenticated` (`ACCESS_REVOKED`) or
   * `forbidden`. Never calls it inside. Returns what forgets `end`; whoever is through must call that.
   */
  onEnd(end: (reason: WatchpostError) => void): () => void;
}

/** A request for one stream's media. */
export interface AccessRequest {
  readonly action: 'live' | 'playback' | 'publish' | 'talk';
  readonly streamId: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The address's query, for `?token=`. */
  readonly query: URLSearchParams;
  readonly remoteAddress: string;
  /** Name and password of a user may stand in `Authorization: Basic`; otherwise only an API token as the password. */
  readonly takesPasswords?: boolean;
  /** Somebody who proves to know a password without telling it. */
  readonly proof?: PasswordProof;
}

/** The proof of somebody who says to be `username`. */
export interface PasswordProof {
  readonly username: string;
  /** True if it was made with this password. */
  matches(password: string): boolean;
}

/** What a source says of itself before anything is pulled. */
export interface SourceDescription {
  readonly tracks: readonly Track[];
  /** The device's name of itself, where it tells one. */
  readonly server?: string;
}

/** A way for sound to a device, for one talker. */
export interface TalkChannel {
  /** What the device takes. */
  readonly track: Track;
  /** Sends one frame now, `timestamp` in ticks of the track. `begins`: there was silence before it. */
  write(frame: Uint8Array, timestamp: number, begins: boolean): void;
  /** Resolves when it is closed; to the reason where the device closed it. */
  readonly ended: Promise<WatchpostError | undefined>;
  close(): void;
}

/** How a protocol's publishers may name streams. */
export interface PublishPaths {
  /** The path that fields of a source name: undefined where they name none. Throws `invalid_argument` with the cure. */
  read(fields: Readonly<Record<string, unknown>>): string | undefined;
  /** The path, written in one. Throws `invalid_argument` with the cure. */
  check(path: string): string;
  /** The path that a stream has by its id. */
  of(streamId: string): string;
}

/** Where an encoder sends a stream. */
export interface PublishAddress {
  /** The address without the key; the whole of it where there is none. */
  readonly server: string;
  /** What encoders call the stream key. */
  readonly key?: string;
}

/** A protocol: one folder, one line in `registry.ts`. */
export interface Protocol {
  readonly name: string;
  /** URL schemes that `pull` and `push` take. */
  readonly schemes: readonly string[];
  /** What an address says besides what all have in common. Throws `invalid_argument` with the cure. */
  checkSource?(source: SourceUrl): void;
  /** Counters for API and metrics; names are stable, units in the name. */
  stats(): Readonly<Record<string, number>>;
  /** We dial, they send. Resolves or rejects when the session has ended; rejects with the reason in `kind`. */
  pull?(source: SourceUrl, publish: Publish, context: ProtocolContext): Promise<void>;
  /**
   * We dial and send a stream that is online, until its signal aborts. Resolves or rejects when the session has ended;
   * rejects with `STREAM_CHANGED` (`unavailable`) where the target must be told of other codecs.
   */
  push?(stream: Stream, target: SourceUrl, context: PushContext): Promise<void>;
  /**
   * Opens a way for sound to the device, in the first of the codecs that it takes; it ends when the signal aborts. Rejects
   * with `unsupported` (`TALK_UNSUPPORTED`) where there is none.
   */
  talk?(source: SourceUrl, codecs: readonly CodecName[], context: ProtocolContext): Promise<TalkChannel>;
  /** Connects, asks what there is, and leaves. */
  describe?(source: SourceUrl, context: ProtocolContext): Promise<SourceDescription>;
  /** How its players reach a stream on the shared HTTP server, where they do. */
  readonly play?: {
    /** Path on the server. */
    path(streamId: string): string;
    /** Why it cannot carry the track; undefined where it can. */
    leftOut(track: Track): string | undefined;
    /** For players that do not use the shared HTTP server: `rtsp://HOST:8554`; undefined while it does not listen. */
    origin?(hostname: string): string | undefined;
    /** The same path takes WebSockets, too: offered as `ws-NAME`. */
    readonly webSocket?: boolean;
  };
  /** They dial and send: it fills streams of its name that have no source. */
  readonly takesPublishers?: boolean;
  /** Addresses of publishers besides those with a stream's id. */
  readonly publishPaths?: PublishPaths;
  /** Where publishers send a stream, on the ports that listen; the one with TLS last. */
  publishAddresses?(stream: Pick<StreamDefinition, 'id' | 'publishPath'>, hostname: string): readonly PublishAddress[];
  /** The console shows pictures by it: it runs even where `protocols.enabled` does not name it. */
  readonly servesConsole?: boolean;
  /** It listens on ports of its own, not on the shared HTTP server: they are closed while it is not served. */
  readonly hasOwnPorts?: boolean;
  /** They dial. Disposing stops listening; with ports of its own it may listen again. */
  listen?(hub: StreamHub, context: ListenContext): Promise<ProtocolServer>;
}

/** A protocol that listens. */
export interface ProtocolServer extends AsyncDisposable {
  /** The configuration was read again: what it looks at once only is looked at anew. */
  reload?(): Promise<void>;
}

/** How a reader starts. `gop`: with the cached picture; `live`: with the next sample; `key`: with the next key sample. */
export type ReaderStart = 'gop' | 'live' | 'key';

/** A reader as statistics show it. */
export interface ReaderCount {
  readonly protocol: string;
  /** Samples (or chunks of them) dropped because it was too slow. */
  readonly dropped: number;
}

/** What a reader is told when it is opened. */
export interface ReaderOptions<T = never> {
  /** Shown in statistics: `fmp4`, `hls`, `recorder`. */
  readonly protocol: string;
  readonly start: ReaderStart;
  /** Readers that this one reads for, as a muxer does; they are counted instead of it. */
  readonly onBehalfOf?: () => readonly ReaderCount[];
  /** Called when there is something to pull again, at most once for each `pull`. Never called inside `pull`. */
  readonly onReady?: () => void;
  /** Called once when the stream was removed, or the reader stuck for too long. */
  readonly onClose?: (reason: WatchpostError) => void;
  /** Past either the queue is dropped up to the next key sample. Default 10 000 ms. */
  readonly maxLagMs?: number;
  /** Default 16 MiB. */
  readonly maxLagBytes?: number;
  /**
   * Of what it pulled, what it still holds (each track's oldest will do); undefined while it cannot tell. The memory of all
   * else may be used again. A reader without it may hold anything for good.
   */
  readonly holds?: () => readonly T[] | undefined;
  /** A reader that pulled nothing for so long while there was something is closed. Default 30 000 ms; Infinity for never. */
  readonly maxStuckMs?: number;
}

/** A bounded place in a stream. It costs the publisher nothing for each sample. */
export interface Reader<T> {
  /** Everything since the last pull, oldest first; objects and array are shared with other readers. */
  pull(): readonly T[];
  /**
   * From the next item on its bytes go straight to the follower's socket, until it is told that they do no longer; nothing
   * is to be pulled meanwhile. Does nothing where there is something to pull.
   */
  follow(follower: Follower<T>): void;
  /** Samples dropped because this reader was too slow. */
  readonly dropped: number;
  /** Milliseconds since the oldest sample that waits for this reader was written; 0 when it is up to date. */
  readonly lagMs: number;
  close(): void;
}

/** A reader of samples. A sample whose `track` is another object than before begins a new session or has new parameter sets. */
export type SampleReader = Reader<Sample>;
