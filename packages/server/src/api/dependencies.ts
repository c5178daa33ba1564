import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import type { DiscoveredDevice } from '@watchpost/media/onvif/ws-discovery.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { AgentRegistry } from '../agents/agent-registry.ts';
import type { CameraPages } from '../agents/camera-pages.ts';
import type { AuditLog } from '../catalog/audit/audit-log.ts';
import type { Schedules } from '../catalog/definitions/schedules.ts';
import type { StreamDefinitions } from '../catalog/definitions/stream-definitions.ts';
import type { EventLog } from '../catalog/event-log.ts';
import type { Identity } from '../catalog/identity/identity.ts';
import type { LockStore } from '../catalog/lock-store.ts';
import type { RecordingQuery } from '../catalog/types.ts';
import type { ConfigChange } from '../config/diff.ts';
import type { PushStatus } from '../hub/push-runner.ts';
import type { Stream } from '../hub/stream.ts';
import type { StreamHub } from '../hub/stream-hub.ts';
import type { TalkDesk } from '../hub/talk/talk-desk.ts';
import type { PublishAddress, PublishPaths, SourceDescription, StreamDefinition } from '../hub/types.ts';
import type { ExportJobs } from '../playback/export-jobs.ts';
import type { Playback } from '../playback/playback.ts';
import type { LeftOutTrack } from '../recorder/carried-tracks.ts';
import type { RecordingCause } from '../recorder/recording-plan.ts';
import type { LiveSnapshots } from '../snapshot/live-snapshots.ts';
import type { RecordedPictures } from '../snapshot/recorded-pictures.ts';

/** `required`: a login or token for everything but health. `none`: for laboratories. */
export type AuthMode = 'required' | 'none';

/** Who must log in. */
export interface AuthSettings {
  readonly mode: AuthMode;
  /** Further host names that the server answers as where no login is required; lower case, without port. */
  readonly hosts: readonly string[];
}

/** What the recorder does for one stream right now. */
export interface RecordingState {
  readonly state: 'off' | 'recording' | 'waiting' | 'error';
  /** Since when, ms since 1970 UTC. */
  readonly sinceMs?: number;
  /** Why it waits or failed, as gaps have it. */
  readonly reason?: string;
  /** The same for a person. */
  readonly detail?: string;
  /** Why it is recording. */
  readonly cause?: RecordingCause;
  /** Kind of the event that is being recorded. */
  readonly event?: string;
  /** When its schedule says something else, ms since 1970 UTC. */
  readonly nextChangeMs?: number;
}

/** One storage backend, for people who wonder how many days fit. */
export interface BackendReport {
  readonly name: string;
  readonly state: 'ok' | 'low' | 'full' | 'missing' | 'error';
  readonly message?: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly recordedBytes: number;
  readonly lockedBytes: number;
  /** The oldest recordings go where there are more. */
  readonly maxBytes?: number;
  readonly writeBytesPerSecond: number;
  readonly retentionDays: number;
  /** Days that fit at the present rate; missing while nothing is written. */
  readonly forecastDays?: number;
  /** "at this rate 4.2 of 7 days fit" */
  readonly forecast?: string;
}

/** What the API asks of the recorder. */
export interface RecorderControl {
  /** From now on it is recorded, whatever its rules say. */
  start(streamId: string): Promise<void> | void;
  /** From now on it is not recorded, whatever its rules say. */
  stop(streamId: string): Promise<void> | void;
  /** From now on it is recorded as its rules say. */
  auto(streamId: string): void;
  /** A schedule was changed. */
  review(): void;
  /** An event is to be recorded now. */
  isEventWanted(streamId: string): boolean;
  state(streamId: string): RecordingState;
  /** Tracks that its recordings cannot hold, with the reasons; empty while it is not recorded. */
  leftOut(streamId: string): readonly LeftOutTrack[];
  /** Numbers for metrics. */
  stats(): Readonly<Record<string, number>>;
  storageReport(): Promise<readonly BackendReport[]>;
  /** Deletes all that was recorded of a stream, which is no longer defined. */
  removeRecordings(streamId: string): Promise<void>;
}

/** A protocol that streams can come from. */
export interface IngestProtocol {
  readonly name: string;
  /** The URL schemes that it takes. */
  readonly schemes: readonly string[];
  /** Streams without an address wait for somebody to publish them. */
  readonly takesPublishers?: boolean;
  /** Addresses of publishers besides those with a stream's id. */
  readonly publishPaths?: PublishPaths;
  /** Where they send a stream, on the ports that listen. */
  publishAddresses?(stream: Pick<StreamDefinition, 'id' | 'publishPath'>, hostname: string): readonly PublishAddress[];
  /** What an address says besides what all have in common. Throws `invalid_argument` with the cure. */
  checkSource?(source: SourceUrl): void;
}

/** A way to watch streams, as its protocol describes it. */
export interface PlayOutput {
  /** Name in `GET /streams/{id}/play?protocol=`. */
  readonly protocol: string;
  /** Path on this server. */
  path(streamId: string): string;
  /** Why it cannot carry the track; undefined where it can. */
  leftOut(track: Track): string | undefined;
  /** Scheme, host and port where it is not this HTTP server; undefined while that does not listen. */
  origin?(hostname: string): string | undefined;
  /** The same path takes WebSockets, too: `ws-` and its name. */
  readonly webSocket?: boolean;
}

/** Another system that streams are registered in. */
export interface RegistrationReport {
  readonly name: string;
  readonly type: 'flussonic' | 'watcher' | 'request';
  readonly url: string;
  /** Why the last attempt failed; undefined while it is reached. */
  readonly failure: string | undefined;
  readonly streams: readonly {
    readonly streamId: string;
    /** How it is called there. */
    readonly name: string;
    readonly state: 'registered' | 'pending' | 'refused' | 'conflict';
    readonly reason?: string;
  }[];
}

/** A receiver of events, for metrics; the counters are since it was configured. */
export interface WebhookReport {
  /** No other one has it. */
  readonly name: string;
  readonly waiting: number;
  readonly delivered: number;
  readonly dropped: number;
}

/** Files and pictures of streams and recordings. */
export interface MediaServices {
  /** A range of recordings as one MP4. */
  readonly mp4: Playback['mp4'];
  readonly exports: Pick<ExportJobs, 'create' | 'get' | 'list' | 'file' | 'remove'>;
  readonly snapshots: Pick<LiveSnapshots, 'take'>;
  readonly recordedPictures: Pick<RecordedPictures, 'keyFrames' | 'jpegAt'>;
}

/** What reading the configuration file again came to. */
export interface ConfigReload {
  readonly applied: readonly ConfigChange[];
  /** What counts after a restart only. */
  readonly restart: readonly ConfigChange[];
  readonly warnings: readonly string[];
}

/** Something without which the server cannot do its work. */
export interface ReadinessCheck {
  readonly name: string;
  /** Whether it can; `message` tells a person what is wrong, also with what the work goes on without. */
  check(): Promise<{ readonly ok: boolean; readonly message?: string }>;
}

/** All that the API works on; `main` fills it in. */
export interface ApiDependencies {
  /** As the configuration says now. */
  readonly auth: () => AuthSettings;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly hub: StreamHub;
  readonly definitions: StreamDefinitions;
  readonly schedules: Schedules;
  readonly identity: Identity;
  readonly agents: AgentRegistry;
  readonly cameraPages: CameraPages;
  readonly recorder: RecorderControl;
  readonly recordings: RecordingQuery;
  readonly locks: Pick<LockStore, 'put' | 'list' | 'remove'>;
  readonly media: MediaServices;
  readonly events: EventLog;
  readonly audit: AuditLog;
  /** Those that are served now, in order of preference. */
  outputs(): readonly PlayOutput[];
  /** Where streams can come from now. */
  ingestProtocols(): readonly IngestProtocol[];
  /** What the other servers that a stream is sent to are doing. */
  targets(stream: Stream): readonly PushStatus[];
  /** Other systems that our streams are registered in. */
  registrations(): readonly RegistrationReport[];
  /** Receivers of events. */
  webhooks(): readonly WebhookReport[];
  /** Opens ways to speak through devices. */
  readonly talk: Pick<TalkDesk, 'open'>;
  /** Connects to a source, asks what there is, and leaves. */
  describe(source: SourceUrl, signal: AbortSignal): Promise<SourceDescription>;
  /** Asks the LAN for cameras; about three seconds. */
  discover(signal: AbortSignal): Promise<readonly DiscoveredDevice[]>;
  readonly readiness: readonly ReadinessCheck[];
  /** Counters of each protocol, for metrics: a name in snake case, the unit in it; `_total` at its end where it only grows. */
  protocolStats(): readonly { readonly protocol: string; readonly stats: Readonly<Record<string, number>> }[];
  /** Reads the configuration file again; missing where the server runs without one. */
  readonly reloadConfig?: () => Promise<ConfigReload>;
}
