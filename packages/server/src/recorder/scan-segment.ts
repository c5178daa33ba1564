import { WatchpostError } from '@watchpost/base/errors.ts';
import { codecString } from '@watchpost/media/container/fmp4/codec-string.ts';
import { type FragmentScan, type ReadAt, scanFragments } from '@watchpost/media/container/fmp4/demuxer.ts';
import type { FileIdentity } from '@watchpost/media/container/fmp4/identity-box.ts';
import type { ClosedSegment } from '../catalog/segment-store.ts';
import type { FragmentEntry, StorageBackend } from '../catalog/types.ts';
import { describeTracks } from './carried-tracks.ts';
import { addFragment, segmentId } from './segment-writer.ts';

/** What a file turned out to be. `torn`: recorded by us, but without one whole fragment. `foreign`: not ours. */
export type ScannedFile =
  | { readonly kind: 'segment'; readonly closed: ClosedSegment }
  | { readonly kind: 'torn' }
  | { readonly kind: 'foreign'; readonly why: string };

/** Box headers are small and near each other only in small files; more than this is not read ahead. */
const readAheadBytes = 4096;

/** Reads what a recorded file holds, from its head, by box headers alone. Storage errors are thrown as they are. */
export async function scanSegment(backend: StorageBackend, key: string, bytes: number): Promise<ScannedFile> {
  let scan: FragmentScan;
  try {
    scan = await scanWhole(readerOf(backend, key, bytes), bytes);
  } catch (error) {
    if (!(error instanceof WatchpostError) || error.kind !== 'malformed') throw error;
    return { kind: 'foreign', why: error.message };
  }
  if (scan.fragments.length === 0) {
    return scan.identity !== undefined || scan.initBytes === 0
      ? { kind: 'torn' }
      : { kind: 'foreign', why: 'no fragments' };
  }
  if (scan.identity === undefined) return { kind: 'foreign', why: 'no identity box' };
  const closed = toSegment(scan, scan.identity, { backend: backend.name, key });
  return closed === undefined ? { kind: 'foreign', why: 'no track that can be told' } : { kind: 'segment', closed };
}

/** Garbage behind good fragments, as some file systems leave after a power cut, ends the scan there. */
async function scanWhole(read: ReadAt, bytes: number): Promise<FragmentScan> {
  try {
    return await scanFragments(read, bytes);
  } catch (error) {
    const offset = error instanceof WatchpostError ? error.context['offset'] : undefined;
    if (typeof offset !== 'number' || offset <= 0 || offset >= bytes) throw error;
    return scanWhole(read, offset);
  }
}

function readerOf(backend: StorageBackend, key: string, size: number): ReadAt {
  let cachedAt = 0;
  let cached = new Uint8Array(0);
  return async (at, length) => {
    if (at < cachedAt || at + length > cachedAt + cached.length) {
      const end = Math.min(size, at + Math.max(length, readAheadBytes));
      const parts: Uint8Array[] = [];
      for await (const part of backend.read(key, at, end)) parts.push(part);
      cached = new Uint8Array(Buffer.concat(parts));
      cachedAt = at;
    }
    return cached.subarray(at - cachedAt, at - cachedAt + length);
  };
}

function toSegment(
  scan: FragmentScan,
  identity: FileIdentity,
  place: { backend: string; key: string },
): ClosedSegment | undefined {
  const video = scan.tracks.findIndex(({ track }) => track.kind === 'video');
  const lead = Math.max(video, 0);
  const rate = scan.tracks[lead]?.track.clockRate;
  const firstDts = identity.firstDts[lead];
  if (rate === undefined || firstDts === undefined) return undefined;
  const { fragments, endMs } = toEntries(scan, { lead, originMs: identity.wallMs - (firstDts * 1000) / rate });
  const last = fragments.at(-1);
  if (last === undefined) return undefined;
  const tracks = scan.tracks.map(({ track }) => track);
  return {
    fragments,
    segment: {
      ...place,
      id: segmentId(identity.runId, identity.sequence),
      streamId: identity.streamId,
      runId: identity.runId,
      sequence: identity.sequence,
      startMs: Math.round(identity.wallMs),
      endMs,
      bytes: last.offset + last.bytes,
      initBytes: scan.initBytes,
      codecs: codecString(tracks),
      tracks: describeTracks(tracks),
      locked: false,
      closed: true,
    },
  };
}

/** By the same rules as `SegmentWriter` and `FragmentCutter` make them. */
function toEntries(
  { fragments, tracks }: FragmentScan,
  time: { lead: number; originMs: number },
): { fragments: FragmentEntry[]; endMs: number } {
  const { lead, originMs } = time;
  const entries: FragmentEntry[] = [];
  let lastEndMs = Number.NEGATIVE_INFINITY;
  for (const { offset, bytes, key, startTicks, durationTicks } of fragments) {
    // Sound after the last picture has a time of its own.
    const isRest = startTicks[lead] === undefined;
    const index = isRest ? startTicks.findIndex((ticks) => ticks !== undefined) : lead;
    const start = startTicks[index];
    if (start === undefined) continue;
    const msPerTick = 1000 / tracks[index]!.track.clockRate;
    const before = entries.at(-1);
    const firstMs = Math.round(originMs + start * msPerTick);
    const startMs = isRest && before !== undefined ? Math.max(firstMs, before.startMs + 1) : firstMs;
    const endMs = Math.max(startMs, Math.round(originMs + (start + durationTicks[index]!) * msPerTick));
    addFragment(entries, { offset, bytes, startMs, durationMs: endMs - startMs, key: key && !isRest }, isRest);
    lastEndMs = Math.max(lastEndMs, endMs);
  }
  return { fragments: entries, endMs: lastEndMs };
}
