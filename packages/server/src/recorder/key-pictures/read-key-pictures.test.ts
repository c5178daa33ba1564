import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes } from '@watchpost/base/bytes.ts';
import { writeFragment } from '@watchpost/media/container/fmp4/fragment.ts';
import { writeInitSegment } from '@watchpost/media/container/fmp4/init-segment.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { FragmentEntry, Segment } from '../../catalog/types.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { KeyPictureReader } from './read-key-pictures.ts';

const track: Track = {
  ...{ id: 1, kind: 'video', codec: 'h264', clockRate: 90_000, timing: 'sender' },
  parameterSets: [Uint8Array.of(0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xf6, 0x40), Uint8Array.of(0x68, 0xce, 1)],
};

/** A fragment as a test wants it: bytes of its key picture, and how many others follow it. */
interface Wanted {
  readonly keyBytes: number;
  readonly others?: number;
}

function picture(bytes: number, at: number, key: boolean): Sample {
  const unit = new Uint8Array(bytes).fill(at % 200);
  unit[0] = key ? 0x65 : 0x41;
  return { track, dts: at * 3600, pts: at * 3600, key, units: [unit], byteLength: bytes, wallMs: at * 40, lost: 0 };
}

/** A recorded file on a disk that counts what is read. */
async function recorded(wanted: readonly Wanted[]) {
  const disk = new MemoryStorage();
  const head = writeInitSegment([track]);
  const parts = [head];
  const fragments: FragmentEntry[] = [];
  let offset = head.length;
  let at = 0;
  for (const [i, { keyBytes, others = 0 }] of wanted.entries()) {
    const startMs = at * 40;
    const samples = Array.from({ length: 1 + others }, (_, n) => picture(n === 0 ? keyBytes : 100, at++, n === 0));
    const bytes = writeFragment(i + 1, [{ track, samples, nextDts: at * 3600 }]);
    fragments.push({ offset, bytes: bytes.length, startMs, durationMs: at * 40 - startMs, key: true });
    parts.push(bytes);
    offset += bytes.length;
  }
  const file = await disk.create('gate/1.mp4', AbortSignal.timeout(1000));
  await file.append(concatBytes(parts));
  let readBytes = 0;
  let reads = 0;
  const backend = Object.assign(disk, {
    readRanges: async (key: string, ranges: readonly (readonly [number, number])[]) => {
      reads++;
      const { bytes } = disk.files.get(key)!;
      return ranges.map(([start, end]) => {
        readBytes += end - start;
        return bytes.slice(start, end);
      });
    },
  });
  const segment: Segment = {
    ...{ id: '~a-0', streamId: 'gate', runId: 'a', sequence: 0, backend: 'memory', key: 'gate/1.mp4', startMs: 0 },
    ...{ endMs: at * 40, bytes: offset, initBytes: head.length, codecs: '', tracks: [], locked: false, closed: true },
  };
  const stats = () => {
    const told = { reads, readBytes };
    reads = readBytes = 0;
    return told;
  };
  return { backend, segment, fragments, stats };
}

/** Reads them all and compares each with what was recorded. */
async function readAll(
  reader: KeyPictureReader,
  file: Awaited<ReturnType<typeof recorded>>,
  wanted: readonly Wanted[],
) {
  const pictures = await reader.read(file.backend, file.segment, file.fragments);
  assert.deepEqual(
    pictures.map(({ timeMs, units }) => [timeMs, units.length, units[0]!.length, units[0]![0]]),
    wanted.map(({ keyBytes }, i) => [file.fragments[i]!.startMs, 1, keyBytes, 0x65]),
  );
  for (const { units, timeMs } of pictures) assert.equal(units[0]!.at(-1), (timeMs / 40) % 200);
}

test('what is read follows the size of a camera’s pictures, and whatever is larger is read whole', async () => {
  const small: Wanted[] = Array.from({ length: 10 }, () => ({ keyBytes: 10_000, others: 24 }));
  const large: Wanted[] = [{ keyBytes: 400_000, others: 24 }, { keyBytes: 9000 }, { keyBytes: 3_000_000, others: 3 }];
  const reader = new KeyPictureReader();
  const first = await recorded(small);
  await readAll(reader, first, small);
  first.stats();
  await readAll(reader, first, small);
  const { reads, readBytes } = first.stats();
  assert.equal(reads, 1);
  assert.ok(readBytes < 10 * 16_000, `${readBytes} bytes for 10 pictures of 10 000`);
  const second = await recorded(large);
  await readAll(reader, second, large);
  assert.equal(second.stats().reads, 2, 'the larger ones with one more read');
  await readAll(reader, first, small);
});

test('a fragment of so many pictures that their index is longer than a picture is read all the same', async () => {
  const reader = new KeyPictureReader();
  const small: Wanted[] = [{ keyBytes: 500 }, { keyBytes: 500 }];
  await readAll(reader, await recorded(small), small);
  const long: Wanted[] = [{ keyBytes: 2000, others: 3000 }, { keyBytes: 500 }];
  await readAll(reader, await recorded(long), long);
});
