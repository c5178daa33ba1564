import { readU32 } from '@watchpost/base/bytes.ts';
import type { Sample } from '../../types.ts';
import { type Box, malformedBox, readBoxHeader } from './boxes.ts';
import { maxFragmentBytes } from './fragment.ts';
import { type FileIdentity, parseIdentityBox } from './identity-box.ts';
import { type RunTable, readMoof } from './read-moof.ts';
import { type FileTrack, readMoov } from './read-moov.ts';

/** Reads up to `length` bytes at `at`; fewer only at the end of the file. */
export type ReadAt = (at: number, length: number) => Uint8Array | Promise<Uint8Array>;

/** A fragment by its headers. */
export interface FragmentInfo {
  /** First byte of the `moof` in the file. */
  readonly offset: number;
  /** `moof` and `mdat`. */
  readonly bytes: number;
  /** Per track of `FragmentScan.tracks`: first `dts`, `undefined` where the fragment has no sample of it. */
  readonly startTicks: readonly (number | undefined)[];
  /** Per track: sum of the durations. */
  readonly durationTicks: readonly number[];
  /** True if the first sample of the first video track (of the first track where there is no video) is a sync sample. */
  readonly key: boolean;
  /** Samples of all tracks. */
  readonly frames: number;
}

/** What `scanFragments` found. */
export interface FragmentScan {
  /** Bytes of the init segment: all up to the end of `moov`; 0 where that is missing. */
  readonly initBytes: number;
  readonly tracks: readonly FileTrack[];
  readonly identity: FileIdentity | undefined;
  readonly fragments: readonly FragmentInfo[];
  /** Where the first incomplete box or fragment begins: the length to cut a damaged file to; the file's size where all is well. */
  readonly completeBytes: number;
}

const maxHeaderBytes = 16 * 1024 * 1024;
const maxFragments = 1_000_000;
const headBytes = 32;
const firstTypes: ReadonlySet<string> = new Set(['ftyp', 'styp', 'free', 'moov']);

interface ScanState {
  readonly read: ReadAt;
  readonly size: number;
  tracks: FileTrack[];
  identity: FileIdentity | undefined;
  initBytes: number;
  moofAt: number;
  runs: RunTable[];
  readonly fragments: FragmentInfo[];
}

/**
 * Finds the fragments of a file of `size` bytes by its box headers; media data are not read. Reads files of ours and of
 * FFmpeg (`-movflags frag_keyframe+empty_moov+default_base_moof`). Incomplete is told by `completeBytes`, and by
 * `initBytes` 0 if the file ends before its `moov` does; throws `malformed` with the offset for bytes that cannot be.
 */
export async function scanFragments(read: ReadAt, size: number): Promise<FragmentScan> {
  const state: ScanState = {
    read,
    size,
    tracks: [],
    identity: undefined,
    initBytes: 0,
    moofAt: -1,
    runs: [],
    fragments: [],
  };
  let at = 0;
  let completeBytes = 0;
  while (at + 8 <= size) {
    const head = await read(at, Math.min(headBytes, size - at));
    const box = readBoxHeader(head, 0, at, size - at);
    if (at === 0 && box !== undefined && !firstTypes.has(box.type)) {
      throw malformedBox("something other than an MP4 file ('ftyp' is missing)", at);
    }
    if (box === undefined || at + box.end > size) break;
    await readTopLevel(state, box, at);
    at += box.end;
    if (state.moofAt < 0) completeBytes = at;
    if (state.initBytes === 0 && box.type === 'moov') state.initBytes = at;
  }
  const { tracks, identity, fragments, initBytes } = state;
  return { initBytes, tracks, identity, fragments, completeBytes };
}

async function readTopLevel(state: ScanState, box: Box, at: number): Promise<void> {
  const { type } = box;
  if (type === 'moof') {
    if (state.initBytes === 0) throw malformedBox("a 'moof' before the 'moov'", at);
    state.runs = readMoof(await readWhole(state, box, at), box, state.tracks, at);
    state.moofAt = at;
  } else if (type === 'mdat') {
    if (state.moofAt >= 0) endFragment(state, at + box.end);
    state.moofAt = -1;
  } else if (type === 'moov' && state.initBytes === 0) {
    state.tracks = readMoov(await readWhole(state, box, at), box, at);
  } else if (type === 'uuid' && state.identity === undefined && box.end <= 8192) {
    const bytes = await readWhole(state, box, at);
    state.identity = parseIdentityBox(bytes.subarray(box.body - 16), at);
  }
}

async function readWhole(state: ScanState, box: Box, at: number): Promise<Uint8Array> {
  if (box.end > maxHeaderBytes) throw malformedBox(`a '${box.type}' of ${box.end} bytes`, at);
  const bytes = await state.read(at, box.end);
  if (bytes.length < box.end) throw malformedBox(`a '${box.type}' that could not be read`, at);
  return bytes;
}

function endFragment(state: ScanState, end: number): void {
  const { runs, moofAt } = state;
  if (end - moofAt > maxFragmentBytes) throw malformedBox(`a fragment of ${end - moofAt} bytes`, moofAt);
  if (state.fragments.length >= maxFragments) throw malformedBox(`more than ${maxFragments} fragments`, moofAt);
  let frames = 0;
  for (const run of runs) {
    frames += run.sizes.length;
    const last = run.sizes.length - 1;
    if (last >= 0 && (run.offsets[0]! < 0 || run.offsets[last]! + run.sizes[last]! > end - moofAt)) {
      throw malformedBox('samples outside of their fragment', moofAt);
    }
  }
  const leader = runs.find((run) => run.file.track.kind === 'video') ?? runs[0];
  state.fragments.push({
    offset: moofAt,
    bytes: end - moofAt,
    startTicks: state.tracks.map((file) => runs.find((run) => run.file === file)?.startTicks),
    durationTicks: state.tracks.map((file) => {
      const run = runs.find((one) => one.file === file);
      return run === undefined ? 0 : run.durations.reduce((sum, ticks) => sum + ticks, 0);
    }),
    key: leader?.flags[0] !== undefined && isSync(leader.flags[0]),
    frames,
  });
}

/** sample_is_non_sync_sample (ISO/IEC 14496-12 §8.8.3.1) is not set. */
function isSync(flags: number): boolean {
  return (flags & 0x1_0000) === 0;
}

/**
 * The samples of one whole fragment (`moof` and `mdat`), track after track in decode order; `units` share its memory.
 * `originMs`: wall time of tick 0. Throws `malformed`.
 */
export function readSamples(fragment: Uint8Array, tracks: readonly FileTrack[], originMs = 0): Sample[] {
  const moof = readBoxHeader(fragment, 0);
  if (moof?.type !== 'moof' || moof.end > fragment.length) throw malformedBox("something other than a 'moof'", 0);
  const samples: Sample[] = [];
  for (const run of readMoof(fragment, moof, tracks, 0)) {
    const { track } = run.file;
    let dts = run.startTicks;
    for (const [i, size] of run.sizes.entries()) {
      const start = run.offsets[i]!;
      if (start < 0 || start + size > fragment.length) throw malformedBox('a sample outside of its fragment', start);
      const bytes = fragment.subarray(start, start + size);
      const pts = dts + run.compositions[i]!;
      const wallMs = originMs + (pts * 1000) / track.clockRate;
      const key = track.kind !== 'video' || isSync(run.flags[i]!);
      samples.push({ track, dts, pts, key, units: splitUnits(track.codec, bytes), byteLength: size, wallMs, lost: 0 });
      dts += run.durations[i]!;
    }
  }
  return samples;
}

/** The NAL units of a sample of H.26x (views), or the sample itself. Throws `malformed`. */
export function splitUnits(codec: string, bytes: Uint8Array): Uint8Array[] {
  if (codec !== 'h264' && codec !== 'h265') return [bytes];
  const units: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + readU32(bytes, at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw malformedBox('a NAL unit that leaves its sample', bytes.byteOffset + at);
    units.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return units;
}
