import { writeU32, writeU64 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Sample, Track } from '../../types.ts';
import { mp4TrackId } from './init-segment.ts';

/** Samples of one track in a fragment: at least one, in decode order. */
export interface FragmentRun {
  readonly track: Track;
  readonly samples: readonly Sample[];
  /** `dts` of the sample after the last one, which gives the last its duration. */
  readonly nextDts: number;
}

/** Largest fragment that is written or read. */
export const maxFragmentBytes = 256 * 1024 * 1024;

/** sample_depends_on = 2: an I picture or audio, a sync sample (ISO/IEC 14496-12 §8.8.3.1). */
export const syncFlags = 0x0200_0000;
/** sample_depends_on = 1, sample_is_non_sync_sample. */
export const nonSyncFlags = 0x0101_0000;

const trunDuration = 0x100;
const trunSize = 0x200;
const trunFlags = 0x400;
const trunComposition = 0x800;
const trunFirstFlags = 0x4;
const trunDataOffset = 0x1;
const tfhdBaseIsMoof = 0x2_0000;

/** How the samples of one run are told apart, so that what they share is written once. */
interface RunLayout {
  readonly run: FragmentRun;
  /** 4 where NAL units get a length, else 0. */
  readonly prefix: number;
  readonly trunFields: number;
  readonly perSampleBytes: number;
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
  readonly dataBytes: number;
}

/**
 * One `moof` and `mdat` (ISO/IEC 14496-12 §8.8) in one allocation: absolute decode times, offsets relative to the
 * `moof`, four-byte NAL unit lengths. `sequence` counts the fragments of a file from 1. Runs without samples are left
 * out. `allocate` gives an array of just so many bytes; what it holds does not matter. Throws `invalid_argument` for a decode time < 0 and `resource_exhausted` beyond 256 MiB.
 */
export function writeFragment(
  sequence: number,
  runs: readonly FragmentRun[],
  allocate: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
): Uint8Array {
  const layouts: RunLayout[] = [];
  let moofBytes = 8 + 16;
  let dataBytes = 0;
  for (const run of runs) {
    if (run.samples.length === 0) continue;
    const layout = layOut(run);
    layouts.push(layout);
    moofBytes += trafBytes(layout);
    dataBytes += layout.dataBytes;
  }
  if (moofBytes + dataBytes > maxFragmentBytes) {
    throw new WatchpostError(`A fragment of ${dataBytes} bytes is too large; end it earlier.`, {
      kind: 'resource_exhausted',
      code: 'FMP4_FRAGMENT_TOO_LARGE',
      context: { bytes: dataBytes },
    });
  }
  const bytes = allocate(moofBytes + 8 + dataBytes);
  writeHeader(bytes, 0, moofBytes, 0x6d6f_6f66);
  writeHeader(bytes, 8, 16, 0x6d66_6864);
  writeU32(bytes, 20, sequence);
  let at = 24;
  let dataAt = moofBytes + 8;
  for (const layout of layouts) {
    at = writeTraf(bytes, at, layout, dataAt);
    dataAt = writeData(bytes, dataAt, layout);
  }
  writeHeader(bytes, moofBytes, 8 + dataBytes, 0x6d64_6174);
  return bytes;
}

function writeHeader(bytes: Uint8Array, at: number, size: number, type: number): void {
  writeU32(bytes, at, size);
  writeU32(bytes, at + 4, type);
}

function sizeOf(sample: Sample, prefix: number): number {
  if (prefix !== 0 && sample.avcc !== undefined) return sample.avcc.avccBytes();
  const units = sample.units;
  let size = 0;
  for (let i = 0; i < units.length; i++) size += prefix + units[i]!.length;
  return size;
}

/** Ticks from one decode time to the next; 0 where that is not after it, and no more than the field holds. */
function durationOf(run: FragmentRun, index: number): number {
  const { samples } = run;
  const next = index + 1 < samples.length ? samples[index + 1]!.dts : run.nextDts;
  const duration = next - samples[index]!.dts;
  return duration > 0 ? Math.min(duration, 0xffff_ffff) : 0;
}

function layOut(run: FragmentRun): RunLayout {
  const { samples, track } = run;
  const first = samples[0]!;
  if (!(first.dts >= 0)) {
    throw new WatchpostError(`A fragment cannot begin at ${first.dts} ticks; repair the time first.`, {
      kind: 'invalid_argument',
      code: 'FMP4_NEGATIVE_TIME',
      context: { track: track.id, dts: first.dts },
    });
  }
  const prefix = track.codec === 'h264' || track.codec === 'h265' ? 4 : 0;
  const duration = durationOf(run, 0);
  const size = sizeOf(first, prefix);
  const second = samples.length > 1 ? samples[1]! : first;
  let fields = trunDataOffset | (first.key === second.key ? 0 : trunFirstFlags);
  let dataBytes = 0;
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i]!;
    const bytes = sizeOf(sample, prefix);
    dataBytes += bytes;
    if (bytes !== size) fields |= trunSize;
    if (sample.pts !== sample.dts) fields |= trunComposition;
    if (i > 0 && sample.key !== second.key) fields |= trunFlags;
    if (durationOf(run, i) !== duration) fields |= trunDuration;
  }
  if ((fields & trunFlags) !== 0) fields &= ~trunFirstFlags;
  let perSampleBytes = 0;
  for (let flag = trunDuration; flag <= trunComposition; flag <<= 1) if ((fields & flag) !== 0) perSampleBytes += 4;
  const flags = second.key ? syncFlags : nonSyncFlags;
  return { run, prefix, trunFields: fields, perSampleBytes, duration, size, flags, dataBytes };
}

function tfhdBytes(layout: RunLayout): number {
  const { trunFields } = layout;
  return (
    16 +
    ((trunFields & trunDuration) === 0 ? 4 : 0) +
    ((trunFields & trunSize) === 0 ? 4 : 0) +
    ((trunFields & trunFlags) === 0 ? 4 : 0)
  );
}

function trunBytes(layout: RunLayout): number {
  return 20 + ((layout.trunFields & trunFirstFlags) !== 0 ? 4 : 0) + layout.perSampleBytes * layout.run.samples.length;
}

function trafBytes(layout: RunLayout): number {
  return 8 + tfhdBytes(layout) + 20 + trunBytes(layout);
}

function writeTraf(bytes: Uint8Array, at: number, layout: RunLayout, dataAt: number): number {
  const { run, trunFields } = layout;
  writeHeader(bytes, at, trafBytes(layout), 0x7472_6166);
  at += 8;
  writeHeader(bytes, at, tfhdBytes(layout), 0x7466_6864);
  const tfhdFlagsAt = at + 8;
  let tfhdFlags = tfhdBaseIsMoof;
  writeU32(bytes, at + 12, mp4TrackId(run.track));
  at += 16;
  if ((trunFields & trunDuration) === 0) {
    tfhdFlags |= 0x8;
    writeU32(bytes, at, layout.duration);
    at += 4;
  }
  if ((trunFields & trunSize) === 0) {
    tfhdFlags |= 0x10;
    writeU32(bytes, at, layout.size);
    at += 4;
  }
  if ((trunFields & trunFlags) === 0) {
    tfhdFlags |= 0x20;
    writeU32(bytes, at, layout.flags);
    at += 4;
  }
  writeU32(bytes, tfhdFlagsAt, tfhdFlags);
  writeHeader(bytes, at, 20, 0x7466_6474);
  writeU32(bytes, at + 8, 0x0100_0000);
  writeU64(bytes, at + 12, run.samples[0]!.dts);
  return writeTrun(bytes, at + 20, layout, dataAt);
}

function writeTrun(bytes: Uint8Array, at: number, layout: RunLayout, dataAt: number): number {
  const { run, prefix, trunFields } = layout;
  const { samples } = run;
  writeHeader(bytes, at, trunBytes(layout), 0x7472_756e);
  writeU32(bytes, at + 8, trunFields);
  writeU32(bytes, at + 12, samples.length);
  writeU32(bytes, at + 16, dataAt);
  at += 20;
  if ((trunFields & trunFirstFlags) !== 0) {
    writeU32(bytes, at, samples[0]!.key ? syncFlags : nonSyncFlags);
    at += 4;
  }
  if (layout.perSampleBytes === 0) return at;
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i]!;
    if ((trunFields & trunDuration) !== 0) {
      writeU32(bytes, at, durationOf(run, i));
      at += 4;
    }
    if ((trunFields & trunSize) !== 0) {
      writeU32(bytes, at, sizeOf(sample, prefix));
      at += 4;
    }
    if ((trunFields & trunFlags) !== 0) {
      writeU32(bytes, at, sample.key ? syncFlags : nonSyncFlags);
      at += 4;
    }
    if ((trunFields & trunComposition) !== 0) {
      writeU32(bytes, at, Math.max(0, sample.pts - sample.dts));
      at += 4;
    }
  }
  return at;
}

function writeData(bytes: Uint8Array, at: number, layout: RunLayout): number {
  const { samples } = layout.run;
  for (let i = 0; i < samples.length; i++) {
    const { avcc } = samples[i]!;
    if (layout.prefix !== 0 && avcc !== undefined) {
      at = avcc.writeAvcc(bytes, at);
      continue;
    }
    const { units } = samples[i]!;
    for (let j = 0; j < units.length; j++) {
      const unit = units[j]!;
      if (layout.prefix !== 0) {
        writeU32(bytes, at, unit.length);
        at += 4;
      }
      bytes.set(unit, at);
      at += unit.length;
    }
  }
  return at;
}
