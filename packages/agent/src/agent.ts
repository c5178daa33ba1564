import { sleep } from '@watchpost/base/clock.ts';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { type AgentMessage, writeAgentMessage } from '@watchpost/tunnel/messages/agent-message.ts';
import { type ChannelRequest, parseChannelRequest, writeChannelRequest } from '@watchpost/tunnel/messages/request.ts';
import { parseServerMessage, type ServerMessage } from '@watchpost/tunnel/messages/server-message.ts';
import type { Channel } from '@watchpost/tunnel/types.ts';
import { AllowList } from './allow-list.ts';
import { sendBackfill } from './buffer/backfill-sender.ts';
import { type CommandResult, Commands } from './commands/commands.ts';
import { confirmUpdate, takePendingUpdate } from './commands/update.ts';
import type { AgentConfig, Target } from './config/agent-config.ts';
import type { ConfigSource } from './config/config-source.ts';
import type { Json } from './config/json.ts';
import { discoverCameras } from './discovery/discover.ts';
import type { FoundCamera } from './discovery/found-camera.ts';
import { type AgentIdentity, openIdentity, saveIdentity } from './identity.ts';
import { type ChannelPump, connectChannel } from './link/camera-channel.ts';
import { Connector } from './link/connector.ts';
import { readTrust } from './link/tls-trust.ts';
import type { LogTail } from './log.ts';
import type { Platform } from './platform/platform.ts';
import { CameraStreams } from './pull/camera-streams.ts';
import { type CameraHealth, CameraWatch } from './reports/camera-watch.ts';
import { camerasMessage, healthMessage, type ReportSources, targetsMessage } from './reports/reports.ts';

const reportIntervalMs = 30_000;
const firstReportMs = 2000;
const deliverMs = 2000;
const drainMs = 1000;
const replyPieceBytes = 32 * 1024;
const maxChannels = 256;

/** What an agent needs besides its configuration. */
export interface AgentDependencies {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly tail: LogTail;
  readonly version: string;
  /** The configuration by the file alone, without what servers changed. */
  readonly local: AgentConfig;
  /** Where the configuration comes from. */
  readonly source: ConfigSource;
}

/** An agent between its start and its stop. */
export class Agent {
  readonly #config: AgentConfig;
  readonly #deps: AgentDependencies;
  readonly #allowList: AllowList;
  readonly #abort = new AbortController();
  readonly #watch: CameraWatch;
  readonly #streams: CameraStreams;
  readonly #commands: Commands;
  readonly #channels = new Map<Channel, { readonly target: Target; readonly pump: ChannelPump }>();
  readonly #end = Promise.withResolvers<'restart'>();
  #connector: Connector | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #cameras: readonly FoundCamera[] = [];
  /** Found cameras are known: after a start not before the first search is through. */
  #hasSearched: boolean;
  /** Channels to what that search may find; the server knows it from before this start. */
  #waiting: (() => void)[] = [];
  #health: readonly CameraHealth[] = [];
  #beganMs: number;

  constructor(config: AgentConfig, deps: AgentDependencies) {
    const { platform, logger, local } = deps;
    this.#config = config;
    this.#deps = deps;
    this.#allowList = new AllowList(config);
    this.#hasSearched = !config.discovery.enabled;
    this.#watch = new CameraWatch(platform);
    this.#beganMs = platform.clock.monotonicMs();
    const onBytes = (host: string, port: number, count: number) => this.#watch.count(host, port, count);
    this.#streams = new CameraStreams({ platform, logger, config, local, onBytes, signal: this.#abort.signal });
    this.#commands = new Commands({
      ...deps,
      config,
      allowList: this.#allowList,
      discover: () => this.#discover(),
      targetsChanged: (closed) => this.#onTargetsChanged(closed),
      findCamera: (name) => this.#findCamera(name),
    });
  }

  /** Resolves where a server asked for a new start. */
  get ended(): Promise<'restart'> {
    return this.#end.promise;
  }

  /** Opens the identity and begins; connecting goes on in the background. Throws where the state folder cannot be used. */
  async start(): Promise<void> {
    const { platform, logger, version } = this.#deps;
    const { stateDir, agentId, serverKey, serverUrls } = this.#config.agent;
    const identity = await openIdentity(platform, { stateDir, wantedId: agentId, serverKey });
    logger.info('The agent starts', { agent: identity.agentId, version, server: serverUrls[0] });
    await this.#streams.open();
    const connector = await this.#makeConnector(identity);
    this.#connector = connector;
    const { signal } = this.#abort;
    this.#running = Promise.all([
      connector.run(signal),
      this.#lookForCameras(signal),
      this.#reportRegularly(signal),
      this.#streams.run(),
    ]);
  }

  /** Reads no more from cameras, delivers what was read, and ends; at most 3 s long. */
  async stop(): Promise<void> {
    const { clock } = this.#deps.platform;
    for (const { pump } of this.#channels.values()) pump.finish();
    const untilMs = clock.monotonicMs() + deliverMs;
    const isWaiting = () =>
      this.#connector?.state.isConnected && (this.#connector.state.session?.stats.bufferedBytes ?? 0) > 0;
    while (isWaiting() && clock.monotonicMs() < untilMs) await sleep(clock, 20);
    this.#connector?.close();
    this.#abort.abort();
    const limit = new Promise<void>((resolve) => this.#deps.platform.clock.after(drainMs, resolve));
    await Promise.race([Promise.all([this.#running, this.#streams.close()]), limit]);
  }

  async #makeConnector(identity: AgentIdentity): Promise<Connector> {
    const { platform, logger, version } = this.#deps;
    const { agent } = this.#config;
    const trust = await readTrust({ platform, logger, agent }, agent.serverUrls[0]!);
    return new Connector(
      {
        platform,
        logger,
        config: this.#config,
        identity,
        software: `watchpost-agent ${version}`,
        pin: (serverKey) => saveIdentity(platform, agent.stateDir, { ...identity, serverKey }),
        onSession: () => void this.#onSession(),
        onSessionClosed: () => this.#channels.clear(),
        handler: {
          open: (channel, request) => this.#onChannel(channel, request),
          message: (bytes) => this.#onMessage(bytes),
        },
      },
      trust,
    );
  }

  async #onSession(): Promise<void> {
    const { platform, logger, version } = this.#deps;
    this.#send(targetsMessage(this.#sources()));
    if (this.#cameras.length > 0) this.#send(camerasMessage(this.#sources()));
    this.#offerBackfill();
    try {
      const isNew = await confirmUpdate(platform);
      const pending = await takePendingUpdate(platform, this.#config.agent.stateDir);
      if (isNew) logger.info('The new version has come up', { version });
      if (!pending) return;
      const text =
        pending === version
          ? `version ${version} has come up`
          : `version ${pending} did not come up; ${version} runs again`;
      this.#send({ type: 'notice', level: pending === version ? 'info' : 'error', text });
    } catch (error) {
      logger.error('The update could not be settled', { error });
    }
  }

  /** Told only while a session is there: each new one begins with all of it. */
  #send(message: AgentMessage): void {
    try {
      this.#connector?.state.session?.sendMessage(writeAgentMessage(message));
    } catch (error) {
      this.#deps.logger.warn('The server could not be told something', { type: message.type, error });
    }
  }

  #onMessage(bytes: Uint8Array): void {
    let message: ServerMessage | undefined;
    try {
      message = parseServerMessage(bytes);
    } catch (error) {
      this.#deps.logger.warn('The server sent a message that cannot be used', { error });
      return;
    }
    if (message?.type === 'command') void this.#onCommand(message);
    else if (message?.type === 'backfill_query') this.#offerBackfill();
    else if (message?.type === 'ports') {
      const ports = message.ports.map(({ host, port, local_port }) => `${host}:${port} as ${local_port}`);
      this.#deps.logger.info('The server has opened ports', { ports });
    }
  }

  async #onCommand({ command, command_id, params }: Extract<ServerMessage, { type: 'command' }>): Promise<void> {
    const answer = (result: { ok: boolean; error?: string; data?: Json }) =>
      this.#send({ type: 'command_result', command_id, ...result });
    let result: CommandResult;
    try {
      result = await this.#commands.run(command, params);
    } catch (thrown) {
      answer({ ok: false, error: toWatchpostError(thrown).message.slice(0, 500) });
      return;
    }
    if (result.file) this.#reply(command_id, result.file);
    answer({ ok: true, ...(result.data && { data: result.data as Json }) });
    // The answer goes out before the connection does.
    if (result.restart) this.#deps.platform.clock.after(300, () => this.#end.resolve('restart'));
  }

  #reply(commandId: string, { name, bytes }: NonNullable<CommandResult['file']>): void {
    const session = this.#connector?.state.session;
    if (!session) return;
    let at = 0;
    const pump = () => {
      while (at < bytes.length) {
        const piece = bytes.subarray(at, at + replyPieceBytes);
        at += piece.length;
        if (!channel.write(piece)) return;
      }
      channel.end();
    };
    const channel = session.open(writeChannelRequest({ kind: 'reply', commandId, name }), 'bulk', {
      data: (data) => channel.consume(data.length),
      end: () => {},
      drain: pump,
      closed: () => {},
    });
    pump();
  }

  #onChannel(channel: Channel, bytes: Uint8Array): void {
    let request: ChannelRequest;
    try {
      request = parseChannelRequest(bytes);
    } catch (error) {
      this.#deps.logger.warn('The server opened a channel for something unknown', { error });
      channel.reset('not_allowed');
      return;
    }
    if (request.kind === 'tcp') {
      this.#connect(channel, request);
      return;
    }
    if (request.kind === 'backfill') {
      const buffer = this.#streams.buffer(request.buffer);
      if (buffer) {
        void sendBackfill(channel, buffer, { request, clock: this.#deps.platform.clock });
        return;
      }
    }
    channel.reset('not_allowed');
  }

  #connect(channel: Channel, { host, port }: Target): void {
    const { platform, logger } = this.#deps;
    const isAllowed = this.#allowList.allows({ host, port });
    if (!isAllowed && !this.#hasSearched && this.#waiting.length < maxChannels) {
      this.#waiting.push(() => channel.isClosed || this.#connect(channel, { host, port }));
      return;
    }
    if (!isAllowed) {
      logger.warn('The server asked for a target that is not allowed', { host, port });
      channel.reset('not_allowed');
      return;
    }
    if (this.#channels.size >= maxChannels) {
      channel.reset('quota');
      return;
    }
    const pump = connectChannel(
      channel,
      { host, port },
      {
        platform,
        watcher: {
          onDialed: (error) => error && logger.info('A camera did not take a connection', { host, port, error }),
          onBytes: (count) => this.#watch.count(host, port, count),
          onClosed: () => this.#channels.delete(channel),
        },
      },
    );
    this.#channels.set(channel, { target: { host, port }, pump });
  }

  #onTargetsChanged(closed: Target | undefined): void {
    if (closed)
      for (const [channel, { target }] of this.#channels)
        if (target.host === closed.host && target.port === closed.port) channel.reset('not_allowed');
    this.#send(targetsMessage(this.#sources()));
  }

  #offerBackfill(): void {
    if (!this.#config.buffer.enabled) return;
    const { nowMs, buffers } = this.#streams.offers();
    this.#send({ type: 'backfill_offer', now_ms: nowMs, buffers });
  }

  #sources(): ReportSources {
    return {
      config: this.#config,
      cameras: this.#cameras,
      targets: this.#allowList.list(),
      isComplete: this.#hasSearched,
      health: this.#health,
      bufferOf: (camera, path) => this.#streams.bufferOf(camera.host, camera.rtspPort, path),
    };
  }

  #findCamera(name: string) {
    const found = this.#cameras.find((camera) => camera.name === name || camera.host === name);
    const set = this.#config.cameras.find((camera) => camera.name === name || camera.host === name);
    const host = set?.host ?? found?.host;
    if (host === undefined) return undefined;
    const reported = found?.onvifUrl === undefined ? undefined : Number(new URL(found.onvifUrl).port || 80);
    const { username, password } = set ?? this.#config.discovery;
    return { host, onvifPort: set?.onvifPort ?? reported ?? 80, username, password };
  }

  async #lookForCameras(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps.platform;
    while (!signal.aborted) {
      await this.#discover();
      await sleep(clock, this.#config.discovery.intervalMs, signal).catch(() => {});
    }
  }

  async #discover(): Promise<number> {
    const { platform, logger } = this.#deps;
    const { signal } = this.#abort;
    const cameras = await discoverCameras({ platform, config: this.#config, signal });
    if (signal.aborted) return 0;
    this.#hasSearched = true;
    this.#cameras = cameras;
    logger.info('Cameras were looked for', {
      cameras: cameras.map(({ name, problem }) => (problem ? `${name} (${problem})` : name)),
    });
    const found = cameras.filter(({ configured }) => !configured && this.#config.discovery.register);
    this.#allowList.setFound(
      found.flatMap(({ host, rtspPort, ports, onvifUrl }) => {
        const onvif = onvifUrl === undefined ? [] : [Number(new URL(onvifUrl).port || 80)];
        return [...new Set([rtspPort, ...ports, ...onvif])].map((port) => ({ host, port }));
      }),
    );
    this.#send(targetsMessage(this.#sources()));
    this.#send(camerasMessage(this.#sources()));
    for (const connect of this.#waiting.splice(0)) connect();
    return cameras.length;
  }

  async #reportRegularly(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps.platform;
    await sleep(clock, firstReportMs, signal).catch(() => {});
    while (!signal.aborted) {
      await this.#report();
      await sleep(clock, reportIntervalMs, signal).catch(() => {});
    }
  }

  async #report(): Promise<void> {
    const { platform } = this.#deps;
    const ports = this.#cameras.map(({ name, host, rtspPort }) => ({ name, host, port: rtspPort }));
    this.#health = await this.#watch.report(ports);
    const state = this.#connector?.state;
    const stats = state?.session?.stats;
    const uptimeS = (platform.clock.monotonicMs() - this.#beganMs) / 1000;
    const link = {
      uptimeS,
      roundTripMs: stats?.roundTripMs,
      losses: state?.losses ?? 0,
      bufferedBytes: stats?.bufferedBytes ?? 0,
    };
    this.#send(healthMessage(platform.hostFacts(), link));
    if (this.#cameras.length > 0) this.#send(camerasMessage(this.#sources()));
  }
}
