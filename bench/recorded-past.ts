/** Recordings that a server finds when it starts, as if it had run for days: without them nothing grows old in a bench. */
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { concatBytes } from '@watchpost/base/bytes.ts';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { writeFragment } from '@watchpost/media/container/fmp4/fragment.ts';
import { writeInitSegment } from '@watchpost/media/container/fmp4/init-segment.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { openDatabase } from '@watchpost/server/catalog/database.ts';
import { type ClosedSegment, SegmentStore } from '@watchpost/server/catalog/segment-store.ts';
import type { FragmentEntry } from '@watchpost/server/catalog/types.ts';
import { VolumeStore } from '@watchpost/server/catalog/volume-store.ts';
import { KeyPictureKeeper } from '@watchpost/server/recorder/key-pictures/key-picture-keeper.ts';
import { segmentKey } from '@watchpost/server/recorder/segment-key.ts';
import { spreadOf } from '@watchpost/server/recorder/segment-times.ts';
import { LocalStorage } from '@watchpost/server/storage/local/local-storage.ts';

const fps = 25;
const fileSeconds = 60;
const goldenRatio = 0.618_034;
// As `cameras.ts` sends them: 1 Mbit/s, a key picture each 2 s.
const gopBytes = 250_000;
const keyBytes = 45_000;
const deltaBytes = Math.round((gopBytes - keyBytes) / (2 * fps - 1));
const track: Track = {
  ...{ id: 1, kind: 'video', codec: 'h264', clockRate: 90_000, timing: 'sender' },
  parameterSets: [Buffer.from('Z2QAKKzZQFAFuwEQAAADABAAAAMDIPGDGWA=', 'base64'), Buffer.from('aOvjyyLA', 'base64')],
};

/** Names of cameras whose hours of key pictures end one after the other, evenly, as those of many cameras do. */
export function evenNames(count: number): string[] {
  const names: string[] = [];
  for (let n = 0, found = 0; found < count; n++) {
    const share = (spreadOf(`cam${n}`) % 3_600_000) / 3_600_000;
    const place = Math.floor(share * count);
    if (names[place] !== undefined) continue;
    names[place] = `cam${n}`;
    found++;
  }
  return names;
}

/** What the past is like. */
export interface Past {
  readonly names: readonly string[];
  readonly seconds: number;
  /** The key pictures of what goes next have been kept: each camera is somewhere in its hour. */
  readonly isKept: boolean;
}

/** Fills a server's folder (see `startServer`): files of 60 s up to now, one inode for all, and their rows. */
export async function recordPast(dir: string, { names, seconds, isKept }: Past): Promise<void> {
  mkdirSync(join(dir, 'data'), { recursive: true });
  const database = await openDatabase(join(dir, 'data', 'watchpost.db'));
  const [clock, logger, basePath] = [systemClock, silentLogger, join(dir, 'video')];
  await using disk = await LocalStorage.open({
    name: 'disk',
    basePath,
    registry: new VolumeStore(database),
    clock,
    logger,
  });
  const file = recordedFile();
  const clip = join(dir, 'clip');
  writeFileSync(clip, file.bytes);
  const store = new SegmentStore(database);
  const nowMs = Date.now();
  const oldest: ClosedSegment[] = [];
  for (const [i, name] of names.entries()) {
    // Files begin at any time, whatever hour their camera has.
    const endMs = nowMs - Math.floor(((i * goldenRatio) % 1) * fileSeconds * 1000);
    const count = Math.floor(seconds / fileSeconds);
    const closed = Array.from({ length: count }, (_, n) =>
      pastFile(name, endMs - (count - n) * fileSeconds * 1000, file),
    );
    for (const { segment } of closed) {
      mkdirSync(dirname(join(basePath, segment.key)), { recursive: true });
      linkSync(clip, join(basePath, segment.key));
    }
    await store.commit({ created: [], moved: [], closed });
    oldest.push(closed[0]!);
  }
  const settings = {
    enabled: isKept,
    intervalMs: 5000,
    backend: undefined,
    retentionDays: 90,
    maxBytes: { bytes: 1e12 },
  };
  const keeper = new KeyPictureKeeper({ database, backends: new Map([[disk.name, disk]]), clock, logger, settings });
  await keeper.beforeRemoval(oldest.map(({ segment }) => segment));
  await database.destroy();
}

interface RecordedFile {
  readonly bytes: Uint8Array;
  readonly initBytes: number;
  /** From time 0. */
  readonly fragments: readonly FragmentEntry[];
}

/** One file of 60 s, a fragment for each second. */
function recordedFile(): RecordedFile {
  const head = writeInitSegment([track]);
  const parts = [head];
  const fragments: FragmentEntry[] = [];
  let offset = head.length;
  for (let second = 0; second < fileSeconds; second++) {
    const samples = Array.from({ length: fps }, (_, n) => picture(second * fps + n));
    const bytes = writeFragment(second + 1, [{ track, samples, nextDts: (second + 1) * 90_000 }]);
    fragments.push({ offset, bytes: bytes.length, startMs: second * 1000, durationMs: 1000, key: second % 2 === 0 });
    parts.push(bytes);
    offset += bytes.length;
  }
  return { bytes: concatBytes(parts), initBytes: head.length, fragments };
}

function picture(at: number): Sample {
  const key = at % (2 * fps) === 0;
  const unit = new Uint8Array(key ? keyBytes : deltaBytes).fill(0x5a);
  unit[0] = key ? 0x65 : 0x41;
  const dts = (at * 90_000) / fps;
  return { track, dts, pts: dts, key, units: [unit], byteLength: unit.length, wallMs: at * 40, lost: 0 };
}

function pastFile(streamId: string, startMs: number, { bytes, initBytes, fragments }: RecordedFile): ClosedSegment {
  const runId = `past${Math.floor(startMs).toString(36)}${streamId}`;
  return {
    segment: {
      ...{
        id: `~${runId}-0`,
        streamId,
        runId,
        sequence: 0,
        backend: 'disk',
        key: segmentKey(streamId, startMs),
        startMs,
      },
      ...{ endMs: startMs + fileSeconds * 1000, bytes: bytes.length, initBytes, codecs: 'avc1.640028' },
      ...{ tracks: [{ kind: 'video', codec: 'h264' }], locked: false, closed: true },
    },
    fragments: fragments.map((one) => ({ ...one, startMs: startMs + one.startMs })),
  };
}
