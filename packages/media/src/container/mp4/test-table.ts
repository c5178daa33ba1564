import type { Track } from '../../types.ts';
import { SampleTable } from './sample-table.ts';
import type { ProgressiveTrack } from './write-head.ts';

const sound: Track = {
  ...{ id: 0, kind: 'audio', codec: 'pcma', clockRate: 8000, sampleRate: 8000, channels: 1 },
  parameterSets: [],
};

/** Samples of 160 ticks in chunks of `perChunk`, `bytes` each; for tests. */
export function tableOf(count: number, perChunk: number, bytes: (index: number) => number): SampleTable {
  const table = new SampleTable();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (i % perChunk === 0) table.beginChunk(at, 0);
    table.add({ dts: 800 + i * 160, pts: 800 + i * 160, bytes: bytes(i), key: true });
    at += bytes(i);
  }
  table.end(800 + count * 160);
  return table;
}

/** A track of sound with these samples; for tests. */
export function trackOf(
  table: SampleTable,
  edit = { firstTicks: 0, shownTicks: 1600, emptyTicks: 0 },
): ProgressiveTrack {
  return { entries: [sound], table, edit };
}
