import { join } from 'node:path';
import { type Clock, systemClock } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { CameraStreams } from './agents/camera-streams.ts';
import { type Agents, openAgents } from './agents/open-agents.ts';
import { tunnelSettings } from './agents/section.ts';
import type { MediaServices } from './api/dependencies.ts';
import { registerApi } from './api/register-api.ts';
import { TalkListener } from './api/talk/talk-listener.ts';
import { apiDependencies } from './api-parts.ts';
import { applyConfig } from './automation/apply-config.ts';
import { ConfigReloader } from './automation/config-reloader.ts';
import { recordEvents } from './automation/record-events.ts';
import { Registrations } from './automation/registrations/registrations.ts';
import { registrationSettings } from './automation/registrations/section.ts';
import { tellStreamEvents } from './automation/stream-events.ts';
import { watchFile } from './automation/watch-file.ts';
import { webhookSettings } from './automation/webhooks/section.ts';
import { Webhooks } from './automation/webhooks/webhooks.ts';
import { cameraDefinitions } from './camera-definitions.ts';
import { AuditLog } from './catalog/audit/audit-log.ts';
import { type Database, openDatabase } from './catalog/database.ts';
import { Schedules } from './catalog/definitions/schedules.ts';
import { StreamDefinitions } from './catalog/definitions/stream-definitions.ts';
import { EventLog } from './catalog/event-log.ts';
import { Identity } from './catalog/identity/identity.ts';
import { RegistrationStore } from './catalog/registration-store.ts';
import { lockDataDir } from './catalog/server-lock.ts';
import { SilentStreamStore } from './catalog/silent-stream-store.ts';
import type { StorageBackend } from './catalog/types.ts';
import { VolumeStore } from './catalog/volume-store.ts';
import { WebhookStore } from './catalog/webhook-store.ts';
import { isDiskFull } from './catalog/write-trouble.ts';
import { readConfig } from './config/load.ts';
import type { Config, LoadedConfig } from './config/types.ts';
import { installedDecoder } from './decode/installed-decoder.ts';
import { JpegDecoder } from './decode/jpeg-decoder.ts';
import { HttpCertificate, tellExpiring, wrongCertificates } from './http-certificate.ts';
import { CacheBudget } from './hub/cache-budget.ts';
import { ProtocolServers } from './hub/protocol-servers.ts';
import { PushTargets } from './hub/push-targets.ts';
import { StreamHub } from './hub/stream-hub.ts';
import { TalkDesk } from './hub/talk/talk-desk.ts';
import type { Protocol, SilentStreams } from './hub/types.ts';
import { type BindAddress, formatBind } from './net/bind-address.ts';
import { createHttpServer } from './net/http-server.ts';
import { reachableAddresses } from './net/reachable-addresses.ts';
import { type Base, contextOf, isServed, type Reloadable, type Served, sectionOf, sourceContext } from './parts.ts';
import { ExportJobs } from './playback/export-jobs.ts';
import { createPlayback, type Playback } from './playback/playback.ts';
import { registerPlaybackRoutes } from './playback/routes.ts';
import { Backfill } from './recorder/backfill/backfill.ts';
import { KeyPictureKeeper } from './recorder/key-pictures/key-picture-keeper.ts';
import { keyPictureSettings } from './recorder/key-pictures/section.ts';
import { Recorder } from './recorder/recorder.ts';
import { scheduleSettings } from './recorder/schedules-section.ts';
import { configSections, createProtocols } from './registry.ts';
import { KeptPictures } from './snapshot/kept-pictures.ts';
import { LiveSnapshots } from './snapshot/live-snapshots.ts';
import { RecordedPictures } from './snapshot/recorded-pictures.ts';
import { makeFolders } from './storage/local/make-folders.ts';
import { StorageBackends } from './storage/storage-backends.ts';
import { version } from './version.ts';

/** How we name ourselves where we call somebody. */
const userAgent = `Watchpost/${version}`;

/** Bytes of all GOP caches together. */
const cacheBytes = 1024 * 1024 * 1024;

/** A server that runs. */
export interface RunningServer {
  /** Where people reach it: `http://192.0.2.7:8080/`, `https:` with a certificate. */
  readonly addresses: readonly string[];
  /** One-time link for making the first administrator; missing once there is one. */
  readonly setupUrl?: string;
  /** Reads the configuration file again and applies it; what is wrong is logged. Missing where there is no file. */
  readonly reload?: () => Promise<void>;
  /** Ends everything in order: no listener, no source, the last fragments written, the database closed. */
  close(): Promise<void>;
}

/** What a server is started with besides its configuration. */
export interface ServerOptions {
  readonly logger: Logger;
  readonly clock?: Clock;
  /** What the configuration was read from: it is watched, and read again when somebody asks. */
  readonly file?: LoadedConfig;
  /** What of a configuration that is read later counts; all of it by default. */
  readonly adapt?: (config: Config) => Config;
  /** The built console; the one of this clone by default. */
  readonly consoleDirectory?: string;
  /** Streams that were made by API are left alone: nothing runs but what the configuration names. */
  readonly isConfiguredOnly?: boolean;
}

/** Starts Watchpost: the only place where its parts are made and put together. */
export async function startServer(config: Config, options: ServerOptions): Promise<RunningServer> {
  const stack = new AsyncDisposableStack();
  try {
    return await assemble(config, options, stack);
  } catch (thrown) {
    await stack.disposeAsync();
    throw thrown;
  }
}

async function assemble(config: Config, options: ServerOptions, stack: AsyncDisposableStack): Promise<RunningServer> {
  const { logger, clock = systemClock } = options;
  const base: Base = { config, clock, logger, stack, running: { config } };
  const database = stack.adopt(await openCatalog(config, stack), (db) => db.destroy());
  const events = stack.use(await EventLog.open({ database, clock, logger }));
  const webhooks = stack.use(new Webhooks({ events, store: new WebhookStore(database), clock, logger, userAgent }));
  webhooks.configure(webhookSettings(config.sections));
  const audit = stack.use(new AuditLog({ database, clock, logger }));
  const identity = await Identity.open(database, clock);
  const definitions = new StreamDefinitions(database, clock);
  const schedules = await Schedules.open(database, clock, scheduleSettings(config.sections));
  const budget = new CacheBudget(cacheBytes);
  const backends = stack.use(new StorageBackends({ registry: new VolumeStore(database), clock, logger }));
  const decoder = stack.use(new JpegDecoder({ ...installedDecoder(), isHeld: () => backends.isHeld }));
  const later: { playback?: Playback } = {};
  const mediaDir = () => base.running.config.mediaDir;
  const protocols = createProtocols({ clock, budget, decoder, mediaDir, recordings: () => later.playback?.samples });
  await backends.configure(config.storage.backends);
  const settings = tunnelSettings(config.sections);
  const agents = stack.use(await openAgents({ database, clock, logger, events, settings }));
  const silent = stack.use(await SilentStreamStore.open(database, logger));
  const hub = openHub({ ...base, protocols, budget, agents, silent });
  const targets = openTargets({ ...base, protocols, hub });
  stack.defer(tellStreamEvents(hub, events));
  for (const definition of await definitions.apply(cameraDefinitions(config.cameras))) await hub.define(definition);
  const madeByApi = options.isConfiguredOnly === true ? [] : await definitions.load();
  for (const definition of madeByApi) if (!hub.get(definition.id)) await hub.define(definition);
  const keyPictures = new KeyPictureKeeper({
    ...{ database, clock, logger, backends: backends.byName },
    settings: keyPictureSettings(config.sections),
  });
  const kept = { database, backends: backends.places, config: config.recording, schedules, keyPictures };
  const recorder = stack.use(await Recorder.open({ hub, events, clock, logger, ...kept }));
  stack.defer(recordEvents(events, recorder));
  const segmentMs = () => base.running.config.recording.segmentDurationSeconds * 1000;
  const filled = { agents: agents.registry, streams: hub, database, events, clock, logger, segmentMs };
  const maxBytesPerSecond = () => agents.registry.settings.backfill_bytes_per_second;
  stack.use(new Backfill({ ...filled, backends: backends.byName, maxBytesPerSecond }));
  const registrations = await openRegistrations({ ...base, database, hub, events, agents });
  const playback = createPlayback({ recordings: recorder.query, backends: backends.byName, clock });
  later.playback = playback;
  const media = await openMedia({ ...base, decoder, recorder, playback, keyPictures, backends: backends.byName });
  const made = { ...base, hub, definitions, schedules, identity, events, audit, webhooks, registrations };
  const talk = openTalkDesk({ ...base, protocols });
  const served = { ...made, backends, agents, media, recorder, protocols, playback, targets, keyPictures, talk };
  const reloader = openReloader(options, served);
  const bound = await serveHttp(options, { ...served, reloader });
  logger.info('Listening', { http: formatBind(bound), streams: hub.list().length });
  const addresses = reachableAddresses(bound).map((host) => `http${config.http.tls ? 's' : ''}://${host}/`);
  const token = await identity.setUpToken();
  return {
    addresses,
    ...(token !== undefined && config.auth.mode === 'required' && { setupUrl: `${addresses[0]}setup?token=${token}` }),
    ...(reloader && { reload: () => reloadOrLog(reloader, 'signal', logger) }),
    close: () => stack.disposeAsync(),
  };
}

async function openRegistrations(
  parts: Base & { database: Database; hub: StreamHub; events: EventLog; agents: Agents },
): Promise<Registrations> {
  const { config, clock, database, stack, agents } = parts;
  const tunnels = () =>
    agents.registry.ports
      .all()
      .filter(({ service }) => service === 'rtsp')
      .map((tunnel) => ({ id: `${tunnel.agentId}-${tunnel.port}`, title: tunnel.agentId, tunnel }));
  const store = new RegistrationStore(database, clock);
  const registrations = stack.use(await Registrations.open({ ...parts, userAgent, store, tunnels }));
  registrations.configure(registrationSettings(config.sections));
  return registrations;
}

/** The reader of the configuration file; undefined where there is none. */
function openReloader(options: ServerOptions, parts: Served): ConfigReloader | undefined {
  const { file, adapt = (config) => config, isConfiguredOnly = false } = options;
  if (file === undefined) return undefined;
  const { clock, logger, stack, events, webhooks } = parts;
  const reloader = new ConfigReloader({
    settings: file.settings,
    sections: configSections,
    events,
    logger,
    read: () => readConfig(file.file, configSections),
    check: (config) => wrongCertificates(config, clock),
    apply: async (wanted) => {
      const config = adapt(wanted);
      parts.running.config = config;
      await tellSetUp(config, parts);
      webhooks.configure(webhookSettings(config.sections));
      parts.registrations.configure(registrationSettings(config.sections));
      parts.keyPictures.configure(keyPictureSettings(config.sections));
      parts.agents.configure(tunnelSettings(config.sections));
      parts.schedules.setFile(scheduleSettings(config.sections));
      await applyConfig(config, cameraDefinitions(config.cameras), { ...parts, isConfiguredOnly });
      await parts.running.reload?.();
    },
  });
  stack.use(reloader);
  stack.use(watchFile(file.path, { clock, logger }, () => void reloadOrLog(reloader, 'file', logger)));
  return reloader;
}

/** Where logins are required before there is anybody who could log in. */
async function tellSetUp({ auth }: Config, { identity, logger }: Served): Promise<void> {
  const token = auth.mode === 'required' ? await identity.setUpToken() : undefined;
  if (token !== undefined)
    logger.warn('Nobody can log in: make the first administrator', { at: `/setup?token=${token}` });
}

async function reloadOrLog(reloader: ConfigReloader, trigger: 'signal' | 'file', logger: Logger): Promise<void> {
  try {
    await reloader.reload(trigger);
  } catch (thrown) {
    const error = toWatchpostError(thrown);
    if (error.code !== 'CONFIG_INVALID' && error.code !== 'SHUTDOWN')
      logger.error('The configuration could not be applied', { error: error.message });
  }
}

function openHub(
  parts: Base & { protocols: readonly Protocol[]; budget: CacheBudget; agents: Agents; silent: SilentStreams },
): StreamHub {
  const { config, clock, logger, stack, protocols, budget, silent } = parts;
  const hub = new StreamHub({
    clock,
    logger,
    budget,
    silent,
    reconnectDelayMs: config.recording.reconnectDelaySeconds * 1000,
    protocolFor: (scheme) => protocols.find((protocol) => protocol.schemes.includes(scheme)),
    pull: (protocol, source, run) =>
      protocol.pull!(source, run.publish, sourceContext(parts, protocol, { source, signal: run.signal })),
  });
  return stack.use(hub);
}

/** Ends before the hub does: what is sent on is sent from its streams. */
function openTargets(parts: Base & { protocols: readonly Protocol[]; hub: StreamHub }): PushTargets {
  const { clock, logger, stack, protocols, hub } = parts;
  const targets = new PushTargets(hub, {
    clock,
    logger,
    protocolFor: (scheme) => protocols.find((protocol) => protocol.schemes.includes(scheme)),
    push: (protocol, { stream, target, signal, accepted, sent }) =>
      protocol.push!(stream, target, { ...contextOf(parts, protocol, signal), accepted, sent }),
  });
  return stack.use(targets);
}

/** Ends with the server: whoever speaks is cut off. */
function openTalkDesk(parts: Base & { protocols: readonly Protocol[] }): TalkDesk {
  const { stack, protocols } = parts;
  const desk = new TalkDesk({
    protocolFor: (scheme) => protocols.find((protocol) => protocol.schemes.includes(scheme)),
    talk: (protocol, source, { codecs, signal }) => protocol.talk!(source, codecs, contextOf(parts, protocol, signal)),
  });
  return stack.use(desk);
}

async function openMedia(
  parts: Base & {
    decoder: JpegDecoder;
    recorder: Recorder;
    playback: Playback;
    keyPictures: KeyPictureKeeper;
    backends: ReadonlyMap<string, StorageBackend>;
  },
): Promise<MediaServices> {
  const { config, clock, logger, stack, decoder, playback, backends } = parts;
  const recordings = parts.recorder.query;
  const { files, heads, mp4Files } = playback;
  const directory = join(config.dataDir, 'exports');
  const exports = stack.use(await ExportJobs.open({ mp4Files, clock, logger, directory }));
  const { files: keyFiles } = parts.keyPictures;
  const retentionDays = () => keyPictureSettings(parts.running.config.sections).retentionDays;
  const oldestKept = () => keyFiles.oldestOfStreams();
  const kept = stack.use(new KeptPictures({ recordings, backends, clock, logger, retentionDays, oldestKept }));
  return {
    mp4: (range, asked) => playback.mp4(range, asked),
    exports,
    snapshots: new LiveSnapshots({ decoder, clock }),
    recordedPictures: new RecordedPictures({ recordings, files, heads, decoder, kept, keyFiles }),
  };
}

async function serveHttp(options: ServerOptions, parts: Reloadable): Promise<BindAddress> {
  const { config, hub, stack, protocols, playback } = parts;
  const consoleDirectory = options.consoleDirectory ?? new URL('../../console/dist', import.meta.url).pathname;
  const onExpiring = tellExpiring(parts.events);
  const http = createHttpServer({ logger: options.logger, consoleDirectory });
  const certificate = stack.use(await HttpCertificate.open(parts, [http, parts.agents.pages], onExpiring));
  stack.defer(() => http.close());
  const { access, eventUpgrades } = registerApi(http.app, apiDependencies(parts));
  eventUpgrades.takeFrom(http);
  registerPlaybackRoutes(http, { playback, access });
  const talkers = stack.use(new TalkListener({ hub, access, clock: parts.clock, desk: parts.talk }));
  for (const prefix of TalkListener.prefixes)
    http.onUpgrade(prefix, (request, socket, head) => void talkers.upgrade(request, socket, head));
  const signal = stopSignal(stack);
  const located = stack.use(new CameraStreams({ registry: parts.agents.registry, hub, clock: parts.clock }));
  const shared = { http, access, located, onExpiring };
  const servers = await ProtocolServers.open({
    ...{ protocols, hub, isServed: (protocol) => isServed(parts.running.config, protocol) },
    contextOf: (protocol) => ({
      ...{ ...contextOf(parts, protocol, signal), ...shared },
      currentSection: () => sectionOf(parts.running.config, protocol),
    }),
  });
  stack.use(servers);
  parts.running.reload = async () => {
    await certificate.configure();
    await servers.configure();
  };
  await parts.agents.serve(http);
  stack.defer(() => parts.agents.registry.stop());
  return http.listen(formatBind(config.http.bind));
}

async function openCatalog(config: Config, stack: AsyncDisposableStack): Promise<Database> {
  try {
    await makeFolders(config.dataDir, 0o750);
  } catch (thrown) {
    throw new WatchpostError(
      `data_dir "${config.dataDir}" cannot be made — ${(thrown as Error).message}; name a folder that this user may write to`,
      {
        kind: 'unavailable',
        code: 'DATA_DIR',
        cause: thrown,
      },
    );
  }
  try {
    stack.use(lockDataDir(config.dataDir));
    return await openDatabase(join(config.dataDir, 'watchpost.db'));
  } catch (thrown) {
    if (!isDiskFull(thrown)) throw thrown;
    throw new WatchpostError(
      `the disk of data_dir "${config.dataDir}" is full, and the database needs room — free some, or name another folder`,
      { kind: 'unavailable', code: 'DATA_DIR_FULL', cause: thrown },
    );
  }
}

function stopSignal(stack: AsyncDisposableStack): AbortSignal {
  const controller = new AbortController();
  stack.defer(() =>
    controller.abort(new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' })),
  );
  return controller.signal;
}
