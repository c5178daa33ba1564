import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import type { Selectable } from 'kysely';
import type { RecordingRules } from '../../config/recording-rules.ts';
import type { StreamDefinition } from '../../hub/types.ts';
import type { Database } from '../database.ts';
import type { DefinitionTables } from './definition-tables.ts';

/** A stream made by API, with its second quality. */
export interface ApiStream {
  readonly id: string;
  readonly title: string;
  readonly protocol: string;
  /** In order of preference; empty for streams that are pushed to us. */
  readonly sources: readonly SourceUrl[];
  /** Second quality, stream id `ID.sub`. */
  readonly subSource: SourceUrl | undefined;
  /** Where else it is sent to. */
  readonly push: readonly SourceUrl[];
  readonly record: boolean;
  /** Missing where it is recorded without a pause. */
  readonly recording?: RecordingRules | undefined;
  readonly onDemand: boolean;
  /** Where publishers send it, besides the address with its id; no other stream of its protocol has it. */
  readonly publishPath?: string | undefined;
}

/** What was changed at run time of a stream, whatever made it; it survives a restart. */
export interface StreamOverride {
  readonly stopped?: boolean;
  /** Recorded or not whatever the definition says; null: as the definition says. */
  readonly manual?: boolean | null;
}

/** Id of the second quality of a stream. */
export function subStreamId(id: string): string {
  return `${id}.sub`;
}

/** Streams made by API, and stops and recording switches of all streams. */
export class StreamDefinitions {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** All streams made by API, as the hub takes them: second qualities are streams of their own. */
  async load(): Promise<readonly StreamDefinition[]> {
    const rows = await this.#database.selectFrom('api_streams').selectAll().orderBy('id').execute();
    return this.apply(rows.map(toApiStream).flatMap(toDefinitions));
  }

  /** The same definitions with what was changed of them at run time; for those of the configuration file, too. */
  async apply(definitions: readonly StreamDefinition[]): Promise<readonly StreamDefinition[]> {
    const rows = await this.#database.selectFrom('stream_overrides').selectAll().execute();
    const overrides = new Map(rows.map((row) => [row.stream_id, row]));
    return definitions.map((definition) => {
      const override = overrides.get(definition.id);
      if (!override) return definition;
      return {
        ...definition,
        stopped: override.stopped === null ? definition.stopped : override.stopped === 1,
        ...(override.record !== null && { manual: override.record === 1 }),
      };
    });
  }

  /** A stream made by API. */
  async get(id: string): Promise<ApiStream | undefined> {
    const row = await this.#database.selectFrom('api_streams').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toApiStream(row);
  }

  /** Keeps a new stream. Throws `conflict` (`STREAM_EXISTS`) where the id or the publishers' path is taken. */
  async add(stream: ApiStream): Promise<void> {
    const nowMs = Math.round(this.#clock.wallMs());
    const result = await this.#database
      .insertInto('api_streams')
      .values({ ...toRow(stream), created_ms: nowMs, changed_ms: nowMs })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (result.numInsertedOrUpdatedRows === 0n)
      throw new WatchpostError(
        `there is a stream "${stream.id}" already, or one that is published at the same place — choose another id or place`,
        {
          kind: 'conflict',
          code: 'STREAM_EXISTS',
        },
      );
  }

  /** Replaces a stream made by API. Throws `conflict` (`PUBLISH_PATH_TAKEN`) where another one is published there. */
  async replace(stream: ApiStream): Promise<void> {
    const { id, protocol, publishPath } = stream;
    await this.#database.transaction().execute(async (transaction) => {
      const other =
        publishPath !== undefined &&
        (await transaction
          .selectFrom('api_streams')
          .select('id')
          .where('publish_path', '=', publishPath)
          .where('protocol', '=', protocol)
          .where('id', '!=', id)
          .executeTakeFirst());
      if (other)
        throw new WatchpostError(`the stream "${other.id}" is published there already — choose another place`, {
          kind: 'conflict',
          code: 'PUBLISH_PATH_TAKEN',
        });
      await transaction
        .updateTable('api_streams')
        .set({ ...toRow(stream), changed_ms: Math.round(this.#clock.wallMs()) })
        .where('id', '=', id)
        .execute();
    });
  }

  /** Forgets a stream made by API, and its second quality. */
  async remove(id: string): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      await transaction.deleteFrom('api_streams').where('id', '=', id).execute();
      await transaction
        .deleteFrom('stream_overrides')
        .where('stream_id', 'in', [id, subStreamId(id)])
        .execute();
    });
  }

  /** Keeps a change made at run time; what is not given stays as it was. */
  async override(streamId: string, change: StreamOverride): Promise<void> {
    const stopped = toFlag(change.stopped);
    const record = change.manual === null ? null : toFlag(change.manual);
    await this.#database
      .insertInto('stream_overrides')
      .values({ stream_id: streamId, stopped: stopped ?? null, record: record ?? null })
      .onConflict((conflict) =>
        conflict.column('stream_id').doUpdateSet({
          ...(stopped === undefined ? {} : { stopped }),
          ...(record === undefined ? {} : { record }),
          stream_id: streamId,
        }),
      )
      .execute();
  }
}

/** The streams that a stream made by API is in the hub: itself and its second quality. */
export function toDefinitions(stream: ApiStream): StreamDefinition[] {
  const main: StreamDefinition = {
    id: stream.id,
    title: stream.title,
    protocol: stream.protocol,
    sources: stream.sources,
    ...(stream.push.length > 0 && { push: stream.push }),
    ...(stream.publishPath !== undefined && { publishPath: stream.publishPath }),
    record: stream.record,
    ...(stream.recording !== undefined && { recording: stream.recording }),
    onDemand: stream.onDemand,
    stopped: false,
    origin: 'api',
  };
  if (!stream.subSource) return [main];
  // The second quality is for watching: it is pulled only while somebody does, and neither recorded nor sent on.
  const { recording: _recording, push: _push, publishPath: _path, ...rest } = main;
  return [main, { ...rest, id: subStreamId(stream.id), sources: [stream.subSource], record: false, onDemand: true }];
}

function toApiStream(row: Selectable<DefinitionTables['api_streams']>): ApiStream {
  return {
    id: row.id,
    title: row.title,
    protocol: row.protocol,
    sources: JSON.parse(row.sources) as SourceUrl[],
    subSource: row.sub_source === null ? undefined : (JSON.parse(row.sub_source) as SourceUrl),
    push: row.push === null ? [] : (JSON.parse(row.push) as SourceUrl[]),
    record: row.record === 1,
    recording: row.recording === null ? undefined : (JSON.parse(row.recording) as RecordingRules),
    onDemand: row.on_demand === 1,
    ...(row.publish_path !== null && { publishPath: row.publish_path }),
  };
}

function toRow(stream: ApiStream) {
  return {
    id: stream.id,
    title: stream.title,
    protocol: stream.protocol,
    sources: JSON.stringify(stream.sources),
    sub_source: stream.subSource ? JSON.stringify(stream.subSource) : null,
    push: stream.push.length > 0 ? JSON.stringify(stream.push) : null,
    record: stream.record ? 1 : 0,
    recording: stream.recording === undefined ? null : JSON.stringify(stream.recording),
    on_demand: stream.onDemand ? 1 : 0,
    publish_path: stream.publishPath ?? null,
  };
}

function toFlag(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : value ? 1 : 0;
}
