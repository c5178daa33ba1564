import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import { type Agents, isTunnelled } from './agents/open-agents.ts';
import type { MediaServices } from './api/dependencies.ts';
import type { ConfigReloader } from './automation/config-reloader.ts';
import type { Registrations } from './automation/registrations/registrations.ts';
import type { Webhooks } from './automation/webhooks/webhooks.ts';
import type { AuditLog } from './catalog/audit/audit-log.ts';
import type { Schedules } from './catalog/definitions/schedules.ts';
import type { StreamDefinitions } from './catalog/definitions/stream-definitions.ts';
import type { EventLog } from './catalog/event-log.ts';
import type { Identity } from './catalog/identity/identity.ts';
import type { Config } from './config/types.ts';
import type { PushTargets } from './hub/push-targets.ts';
import type { StreamHub } from './hub/stream-hub.ts';
import type { TalkDesk } from './hub/talk/talk-desk.ts';
import type { Protocol, ProtocolContext } from './hub/types.ts';
import { dialTcp } from './net/dial.ts';
import type { Playback } from './playback/playback.ts';
import type { KeyPictureKeeper } from './recorder/key-pictures/key-picture-keeper.ts';
import type { Recorder } from './recorder/recorder.ts';
import type { StorageBackends } from './storage/storage-backends.ts';

/** What changes when the configuration is read again. */
export interface Running {
  config: Config;
  /** Brings what listens to the configuration; missing until something does. */
  reload?: () => Promise<void>;
}

/** What everything is made with. */
export interface Base {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stack: AsyncDisposableStack;
  /** What the configuration says now: `config` is what the server was started with. */
  readonly running: Running;
}

/** What is made, for those that tell it what to do. */
export interface Served extends Base {
  readonly agents: Agents;
  readonly hub: StreamHub;
  readonly definitions: StreamDefinitions;
  readonly schedules: Schedules;
  readonly identity: Identity;
  readonly events: EventLog;
  readonly audit: AuditLog;
  readonly recorder: Recorder;
  readonly backends: StorageBackends;
  readonly keyPictures: KeyPictureKeeper;
  readonly protocols: readonly Protocol[];
  readonly playback: Playback;
  readonly targets: PushTargets;
  readonly webhooks: Webhooks;
  readonly registrations: Registrations;
  readonly media: MediaServices;
  readonly talk: TalkDesk;
}

/** With the reader of the configuration file; undefined where there is none. */
export interface Reloadable extends Served {
  readonly reloader: ConfigReloader | undefined;
}

/** What a protocol is handed. */
export function contextOf({ running, clock, logger }: Base, protocol: Protocol, signal: AbortSignal): ProtocolContext {
  return {
    clock,
    signal,
    dial: dialTcp,
    logger: logger.child({ protocol: protocol.name }),
    section: sectionOf(running.config, protocol),
  };
}

/** The section of a protocol, empty where the file has none. */
export function sectionOf({ protocols }: Config, { name }: Protocol): Readonly<Record<string, unknown>> {
  return protocols.sections[name] ?? {};
}

/** What a protocol is handed to reach a source, which may be behind an agent. */
export function sourceContext(
  parts: Base & { readonly agents: Agents },
  protocol: Protocol,
  { source, signal }: { source: SourceUrl; signal: AbortSignal },
): ProtocolContext {
  const context = contextOf(parts, protocol, signal);
  return isTunnelled(source.scheme) ? { ...context, dial: parts.agents.dial } : context;
}

/** Whether others may reach us by the protocol; where not, it still pulls cameras and sends streams on. */
export function isServed({ protocols }: Config, { name, servesConsole = false }: Protocol): boolean {
  return servesConsole || protocols.enabled.includes(name);
}
