import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { openDatabase } from '../catalog/database.ts';
import { StreamDefinitions } from '../catalog/definitions/stream-definitions.ts';
import { EventLog } from '../catalog/event-log.ts';
import { Identity } from '../catalog/identity/identity.ts';
import type { RecordingQuery } from '../catalog/types.ts';
import { StreamHub } from '../hub/stream-hub.ts';
import { createHttpServer } from '../net/http-server.ts';
import { registerApi } from './register-api.ts';
import { writeTypes } from './type-script-types.ts';

/** Version of the API in its document: not that of the program, so that the document changes only with the API. */
const apiVersion = '1';

/** The texts that are generated from the routes. */
export interface GeneratedApiTexts {
  /** `docs/ref/openapi.json` */
  readonly openApi: string;
  /** `packages/console/src/api-types.ts` */
  readonly types: string;
}

/** Makes the OpenAPI document and the console's types from the routes themselves; nothing listens. */
export async function describeApi(): Promise<GeneratedApiTexts> {
  const clock = new ManualClock();
  const logger = silentLogger;
  const database = await openDatabase(':memory:');
  const nothing = async () => [];
  await using events = await EventLog.open({ database, clock, logger });
  await using hub = new StreamHub({
    clock,
    logger,
    reconnectDelayMs: 1000,
    protocolFor: () => undefined,
    pull: async () => {},
  } as unknown as ConstructorParameters<typeof StreamHub>[0]);
  const server = createHttpServer({ logger });
  const api = registerApi(server.app, {
    authMode: 'required',
    version: apiVersion,
    clock,
    logger,
    hub,
    events,
    definitions: new StreamDefinitions(database, clock),
    identity: await Identity.open(database, clock),
    recorder: {
      start: () => {},
      stop: () => {},
      state: () => ({ state: 'off' }),
      storageReport: nothing,
      removeRecordings: async () => {},
    },
    recordings: {} as RecordingQuery,
    outputs: [],
    ingestProtocols: [],
    describe: async () => ({ tracks: [] }),
    discover: nothing,
    readiness: [],
  });
  await server.app.ready();
  const document = api.document();
  await server.close();
  await events.flush();
  await database.destroy();
  return { openApi: `${JSON.stringify(document, undefined, 2)}\n`, types: writeTypes(document) };
}
