import assert from 'node:assert/strict';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { type Logger, silentLogger } from '@watchpost/base/logger.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import type { FastifyInstance } from 'fastify';
import { openAgents } from '../agents/open-agents.ts';
import { tunnelSettings } from '../agents/section.ts';
import { AuditLog } from '../catalog/audit/audit-log.ts';
import { openDatabase } from '../catalog/database.ts';
import { Schedules } from '../catalog/definitions/schedules.ts';
import { StreamDefinitions } from '../catalog/definitions/stream-definitions.ts';
import { EventLog } from '../catalog/event-log.ts';
import { Identity } from '../catalog/identity/identity.ts';
import { LockStore } from '../catalog/lock-store.ts';
import type { RecordingQuery } from '../catalog/types.ts';
import { PushTargets } from '../hub/push-targets.ts';
import { StreamHub } from '../hub/stream-hub.ts';
import { createHttpServer, type ListeningHttpServer } from '../net/http-server.ts';
import { ExportJob } from '../playback/export-job.ts';
import type { ApiDependencies, MediaServices, PlayOutput, RecorderControl } from './dependencies.ts';
import { errorCodes } from './error-codes.ts';
import { type RegisteredApi, registerApi } from './register-api.ts';

/** An API with a real hub, database and event log, whose streams never connect; for tests and for its own description. */
export interface ApiFixture extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly server: ListeningHttpServer;
  readonly api: RegisteredApi;
  readonly deps: ApiDependencies;
  readonly clock: ManualClock;
  readonly events: EventLog;
  /** What was asked of the recorder, in order. */
  readonly recorderCalls: readonly string[];
}

/** Of a server that has recorded nothing. */
export const noRecordings: RecordingQuery = {
  segments: async () => [],
  fragments: async () => [],
  segment: async () => undefined,
  gaps: async () => [],
  days: async () => [],
  recordedStreams: async () => [],
  lease: () => ({ [Symbol.dispose]: () => {} }),
};

const nothing = async () => {
  throw new WatchpostError('nothing is recorded', { kind: 'not_found', code: 'PLAYBACK_EMPTY' });
};

/** Media services of a server that has recorded nothing. */
export const noMedia: MediaServices = {
  mp4: nothing,
  exports: {
    create: (range) =>
      new ExportJob('0'.repeat(24), range, {
        ...{ mp4Files: {} as never, directory: '/nonexistent', checkSpace: async () => {}, createdMs: 0 },
      }),
    get: () => {
      throw new WatchpostError('there is no export', { kind: 'not_found', code: 'EXPORT_NOT_FOUND' });
    },
    list: () => [],
    file: () => {
      throw new WatchpostError('there is no export', { kind: 'not_found', code: 'EXPORT_NOT_FOUND' });
    },
    remove: async () => {},
  },
  snapshots: { take: nothing },
  recordedPictures: { keyFrames: async () => ({ frames: [], truncated: false }), jpegAt: nothing },
};

/** Nobody needs a login. */
export const withoutLogins: Pick<ApiDependencies, 'auth'> = { auth: () => ({ mode: 'none', hosts: [] }) };

/** How the fixture differs from the usual one. */
export interface ApiFixtureOptions {
  /** Of the database; default `:memory:`. */
  readonly path?: string;
  readonly overrides?: Partial<ApiDependencies>;
  readonly consoleDirectory?: string;
}

const outputs: readonly PlayOutput[] = [
  { protocol: 'fmp4', path: (id) => `/fmp4/${id}`, leftOut: () => undefined, webSocket: true },
  { protocol: 'hls', path: (id) => `/hls/${id}/index.m3u8`, leftOut: () => undefined },
];

/** Opens everything; nothing listens until `server.listen`. */
export async function openApiFixture(options: ApiFixtureOptions = {}): Promise<ApiFixture> {
  const clock = new ManualClock();
  const logger: Logger = silentLogger;
  const database = await openDatabase(options.path ?? ':memory:');
  const events = await EventLog.open({ database, clock, logger });
  const audit = new AuditLog({ database, clock, logger });
  const hub = silentHub(clock);
  const targets = new PushTargets(hub, { clock, logger, protocolFor: () => undefined, push: async () => {} });
  const recorderCalls: string[] = [];
  const agents = await openAgents({ database, clock, logger, events, settings: tunnelSettings({}) });
  const deps: ApiDependencies = {
    auth: () => ({ mode: 'required', hosts: [] }),
    version: '1',
    clock,
    logger,
    ...{ hub, events, audit },
    ...{ agents: agents.registry, cameraPages: agents.pages },
    definitions: new StreamDefinitions(database, clock),
    schedules: await Schedules.open(database, clock, []),
    identity: await Identity.open(database, clock),
    recorder: notedRecorder(recorderCalls),
    recordings: noRecordings,
    locks: new LockStore(database, clock),
    media: noMedia,
    outputs: () => outputs,
    ingestProtocols: () => [{ name: 'rtsp', schemes: ['rtsp', 'rtsps'], checkSource: refuseOddOption }],
    targets: (stream) => targets.of(stream),
    ...{ registrations: () => [], webhooks: () => [] },
    talk: { open: nothing },
    describe: async () => ({ tracks: [] }),
    discover: async () => [],
    ...{ readiness: [], protocolStats: () => [] },
    ...options.overrides,
  };
  const { consoleDirectory } = options;
  const server = createHttpServer({ logger, ...(consoleDirectory === undefined ? {} : { consoleDirectory }) });
  const api = registerApi(server.app, deps);
  api.eventUpgrades.takeFrom(server);
  checkCodes(server.app);
  await server.app.ready();
  return {
    app: server.app,
    server,
    api,
    deps,
    clock,
    events,
    recorderCalls,
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await agents[Symbol.asyncDispose]();
      await targets[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      await audit[Symbol.asyncDispose]();
      await database.destroy();
    },
  };
}

/** What is answered must be told of: a problem that the list of codes does not have so is an error of the server. */
function checkCodes(app: FastifyInstance): void {
  app.addHook('onSend', async (_request, reply, payload) => {
    if (!String(reply.getHeader('content-type')).includes('problem+json')) return;
    const { code, status } = JSON.parse(String(payload)) as { code: string; status: number };
    const statuses = errorCodes[code]?.statuses;
    const isListed = statuses?.length === 0 || statuses?.includes(status);
    assert.ok(isListed, `${status} ${code} is in no list — run: node scripts/openapi.ts --write`);
  });
}

/** As a protocol that knows no options. */
function refuseOddOption({ url }: SourceUrl): void {
  if (url.includes('#odd='))
    throw new WatchpostError('there is no option "odd"', { kind: 'invalid_argument', code: 'RTSP_OPTION_INVALID' });
}

/** A recorder that does nothing but note what it was asked. */
function notedRecorder(recorderCalls: string[]): RecorderControl {
  return {
    start: (id) => void recorderCalls.push(`start ${id}`),
    stop: (id) => void recorderCalls.push(`stop ${id}`),
    auto: (id) => void recorderCalls.push(`auto ${id}`),
    review: () => {},
    isEventWanted: () => false,
    state: () => ({ state: 'off' }),
    leftOut: () => [],
    stats: () => ({ streams: 0, recording: 0 }),
    storageReport: async () => [],
    removeRecordings: async (id) => void recorderCalls.push(`remove ${id}`),
  };
}

/** A hub whose sources say nothing. */
function silentHub(clock: ManualClock): StreamHub {
  return new StreamHub({
    clock,
    logger: silentLogger,
    reconnectDelayMs: 1000,
    protocolFor: () => ({ name: 'rtsp', schemes: ['rtsp'], stats: () => ({}), pull: async () => {} }),
    pull: (_protocol, _source, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
}
