import type { z } from 'zod';
import type { Stream } from '../../hub/stream.ts';
import { recorderProtocol } from '../../recorder/stream-recorder.ts';
import type { ApiDependencies } from '../dependencies.ts';
import type { diagnosisSchema } from '../schemas/doctor.ts';
import { leftOutOf } from '../stream-view.ts';
import { examine } from './examine.ts';

/** What the last minutes of a stream say about its camera, line and storage. */
export async function diagnose(stream: Stream, deps: ApiDependencies): Promise<z.output<typeof diagnosisSchema>> {
  const { recent, tracks, meter } = stream;
  const backends = (stream.definition.manual ?? stream.definition.record) ? await deps.recorder.storageReport() : [];
  const findings = examine({
    state: stream.state,
    awaitsPublisher: stream.awaitsPublisher,
    reason: stream.reason?.message,
    tracks,
    recent,
    leftOut: leftOutOf(stream, deps),
    readersDropped: droppedBy(stream.readers.filter(({ protocol }) => protocol !== recorderProtocol)),
    recorderDropped: droppedBy(stream.readers.filter(({ protocol }) => protocol === recorderProtocol)),
    shortStorage: backends.flatMap(({ name, forecastDays: days, retentionDays: wanted }) =>
      days !== undefined && days < wanted ? [{ name, days, wanted }] : [],
    ),
  });
  const keys = [...recent.keyIntervalsMs].sort((a, b) => a - b).map((ms) => ms / 1000);
  return {
    stream_id: stream.id,
    watched_seconds: recent.seconds,
    measured: {
      bitrate: meter.bitrate,
      fps: recent.seconds > 0 ? recent.frames / recent.seconds : 0,
      nominal_fps: tracks.find(({ kind }) => kind === 'video')?.fps ?? null,
      gop_seconds:
        keys.length === 0 ? null : { shortest: keys[0]!, median: keys[keys.length >> 1]!, longest: keys.at(-1)! },
      lost_percent: (100 * recent.lost) / Math.max(1, recent.packets + recent.lost),
      longest_gap_seconds: recent.longestGapMs / 1000,
      clock_offset_seconds: recent.clockOffsetMs === undefined ? null : recent.clockOffsetMs / 1000,
    },
    findings: findings.map(({ cure, ...rest }) => ({ ...rest, values: { ...rest.values }, cure: cure ?? null })),
  };
}

function droppedBy(readers: readonly { readonly dropped: number }[]): number {
  return readers.reduce((sum, { dropped }) => sum + dropped, 0);
}
