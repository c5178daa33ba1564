import type { WatchpostError } from '@watchpost/base/errors.ts';
import { redactTarget, redactUrl, type SourceUrl } from '@watchpost/base/source-url.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { z } from 'zod';
import { liveMimeCodec } from '../hub/live-fmp4/carriage.ts';
import type { PushStatus } from '../hub/push-runner.ts';
import type { Stream } from '../hub/stream.ts';
import type { SourceTransport } from '../hub/types.ts';
import type { ApiDependencies } from './dependencies.ts';
import type { recordingSchema } from './schemas/recording-rules.ts';
import type { streamSchema, streamStatsSchema, trackSchema, transportSchema } from './schemas/streams.ts';
import { toInstant, toInstantOrNull } from './time-text.ts';

const subSuffix = '.sub';

/** A stream as the API shows it. */
export function toStreamView(stream: Stream, deps: ApiDependencies): z.output<typeof streamSchema> {
  const { definition, id } = stream;
  const source = definition.sources[0];
  const mainId = id.endsWith(subSuffix) ? id.slice(0, -subSuffix.length) : undefined;
  return {
    stream_id: id,
    title: definition.title,
    protocol: definition.protocol,
    source_url: source ? redactUrl(source.url) : null,
    publish_path: definition.publishPath ?? null,
    fallback_urls: definition.sources.slice(1).map(visibleUrl),
    source: toSourceView(stream),
    state: stream.state,
    reason: stream.reason ? toReason(stream.reason) : null,
    retry_at: toInstantOrNull(stream.retryAtMs),
    since: toInstant(stream.sinceMs),
    awaits_publisher: stream.awaitsPublisher,
    origin: definition.origin,
    on_demand: definition.onDemand,
    sub_stream_id: mainId === undefined && deps.hub.get(id + subSuffix) ? id + subSuffix : null,
    main_stream_id: mainId ?? null,
    tracks: stream.tracks.map(toTrackView),
    left_out: leftOutOf(stream, deps),
    outputs: deps.outputs().map(({ protocol }) => protocol),
    push: deps.targets(stream).map(toTargetView),
    readers: stream.readers.length,
    recording: toRecordingView(stream, deps),
  };
}

function toSourceView({ source, transport, definition }: Stream): z.output<typeof streamSchema>['source'] {
  const address = source && definition.sources[source.index];
  if (source === undefined || address === undefined) return null;
  const { index, sinceMs, why } = source;
  const count = definition.sources.length;
  return {
    ...{ index, count, url: visibleUrl(address), since: toInstant(sinceMs), reason: why ?? null },
    transport: transport === undefined ? null : toTransportView(transport),
  };
}

function toTransportView({ name, insteadOf }: SourceTransport): z.output<typeof transportSchema> {
  const reason = insteadOf?.reason;
  return { name, instead_of: insteadOf?.name ?? null, reason: reason ? toReason(reason) : null };
}

/** A stream's recording as the API shows it. */
export function toRecordingView(
  { id, definition }: Stream,
  { recorder }: Pick<ApiDependencies, 'recorder'>,
): z.output<typeof recordingSchema> {
  const { recording: rules, manual, record } = definition;
  const now = recorder.state(id);
  return {
    enabled: manual ?? record,
    mode: rules?.mode ?? 'continuous',
    schedule: rules?.schedule ?? null,
    manual: manual ?? null,
    pre_roll: rules?.preRollSeconds ?? null,
    post_roll: rules?.postRollSeconds ?? null,
    max_event: rules?.maxEventSeconds ?? null,
    retention_days: rules?.retentionDays ?? null,
    max_bytes: rules?.maxBytes ?? null,
    state: now.state,
    since: toInstantOrNull(now.sinceMs),
    reason: now.reason ?? null,
    detail: now.detail ?? null,
    cause: now.cause ?? null,
    event: now.event ?? null,
    next_change: toInstantOrNull(now.nextChangeMs),
  };
}

/** What outputs and `recording` leave out of the tracks, each with the reason. */
export function leftOutOf(
  { id, tracks }: Pick<Stream, 'id' | 'tracks'>,
  { outputs, recorder }: Pick<ApiDependencies, 'outputs' | 'recorder'>,
): { output: string; codec: string; reason: string }[] {
  const missing = outputs().flatMap((output) =>
    tracks.flatMap((track) => {
      const reason = output.leftOut(track);
      return reason === undefined ? [] : [{ output: output.protocol, codec: track.codec as string, reason }];
    }),
  );
  for (const { track, reason } of recorder.leftOut(id))
    missing.push({ output: 'recording', codec: track.codec, reason });
  return missing;
}

/** A track as the API shows it. */
export function toTrackView(track: Track): z.output<typeof trackSchema> {
  return {
    kind: track.kind,
    codec: track.codec,
    mime_codec: liveMimeCodec(track),
    clock_rate: track.clockRate,
    ...(track.width === undefined ? {} : { width: track.width }),
    ...(track.height === undefined ? {} : { height: track.height }),
    ...(track.fps === undefined ? {} : { fps: track.fps }),
    ...(track.sampleRate === undefined ? {} : { sample_rate: track.sampleRate }),
    ...(track.channels === undefined ? {} : { channels: track.channels }),
  };
}

function toTargetView(status: PushStatus): z.output<typeof streamSchema>['push'][number] {
  return {
    url: redactTarget(status.target.url),
    state: status.state,
    since: toInstant(status.sinceMs),
    reason: status.reason ? toReason(status.reason) : null,
    retry_at: toInstantOrNull(status.retryAtMs),
    bytes: status.bytes,
    attempts: status.attempts,
  };
}

/** Counters of a stream as the API shows them. */
export function toStatsView(stream: Stream): z.output<typeof streamStatsSchema> {
  const { meter } = stream;
  const readers = new Map<string, { protocol: string; count: number; dropped: number }>();
  for (const { protocol, dropped } of stream.readers) {
    const entry = readers.get(protocol) ?? { protocol, count: 0, dropped: 0 };
    entry.count++;
    entry.dropped += dropped;
    readers.set(protocol, entry);
  }
  return {
    stream_id: stream.id,
    bytes: meter.bytes,
    packets: meter.packets,
    frames: meter.frames,
    lost: meter.lost,
    dropped_units: meter.droppedUnits,
    repaired: toCounts(stream.repaired),
    counters: toCounts(meter.counters),
    bitrate: meter.bitrate,
    fps: meter.fps,
    gop_seconds: meter.gopSeconds ?? null,
    gop_cache_bytes: stream.cacheBytes,
    reconnects: meter.reconnects,
    readers: [...readers.values()],
  };
}

/** Why something is not as it should be, for programs and people. */
export function toReason(error: WatchpostError): { kind: string; code: string; message: string } {
  return { kind: error.kind, code: error.code, message: error.message };
}

/** The address of a source without credentials. */
export function visibleUrl(source: SourceUrl): string {
  return redactUrl(source.url);
}

function toCounts(counters: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).map(([name, value]) => [name, Math.round(value)]));
}
