import { close, open, read } from 'node:fs';

type Range = readonly [start: number, end: number];

/**
 * Reads byte ranges `[start, end)` of one file, each as far as the file reaches, into what `allocate` gives; those that
 * touch are read as one. Plain callbacks: waking a thread and being woken by it costs more than reading a picture. At most
 * two at once, lest a disk that hangs takes all threads.
 */
export async function readRangesOf(
  path: string,
  ranges: readonly Range[],
  allocate: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
): Promise<Uint8Array[]> {
  const fd = await new Promise<number>((resolve, reject) => {
    open(path, 'r', (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  const runs = runsOf(ranges);
  const buffers = runs.map(({ start, end }) => allocate(end - start));
  // Not before all have ended: the descriptor may be another file's once it is closed.
  const reads = await readAll(fd, runs, buffers);
  close(fd, () => {});
  return runs.flatMap((run, i) => {
    const done = reads[i]!;
    if (done.status === 'rejected') throw done.reason;
    return run.ranges.map(([start, end]) => done.value.subarray(start - run.start, end - run.start));
  });
}

async function readAll(
  fd: number,
  runs: readonly Run[],
  buffers: readonly Uint8Array[],
): Promise<PromiseSettledResult<Uint8Array>[]> {
  const results: PromiseSettledResult<Uint8Array>[] = [];
  let next = 0;
  const lane = async () => {
    while (next < runs.length) {
      const i = next++;
      results[i] = (await Promise.allSettled([readOne(fd, runs[i]!.start, buffers[i]!)]))[0];
    }
  };
  await Promise.all([lane(), lane()]);
  return results;
}

interface Run {
  readonly start: number;
  end: number;
  readonly ranges: Range[];
}

/** The ranges, joined where one begins at the end of the one before. */
function runsOf(ranges: readonly Range[]): Run[] {
  const runs: Run[] = [];
  for (const range of ranges) {
    const last = runs.at(-1);
    if (last?.end === range[0]) {
      last.end = range[1];
      last.ranges.push(range);
    } else {
      runs.push({ start: range[0], end: range[1], ranges: [range] });
    }
  }
  return runs;
}

function readOne(fd: number, start: number, buffer: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, buffer.length, start, (error, bytesRead) => {
      if (error) reject(error);
      else resolve(bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead));
    });
  });
}
