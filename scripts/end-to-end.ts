import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { add, type Counts, NOTHING, runTests } from './run-tests.ts';
import type { FailedFile } from './second-run.ts';

/** Files of a lane that run one after the other: those of its first queue, then what is left of the next one. */
type Lane = readonly string[][];

/** Lanes beside each other. They may share queues. */
export interface Group {
  readonly lanes: readonly Lane[];
  /** Said behind the number of a file. */
  readonly note: string;
}

/** They take more than half of a core, or play in a browser: one of them at a time. The longest first. */
export const busy = [
  ...['camera-faults', 'other-pulls', 'gstreamer-camera', 'rtmp', 'rtsp-pull-udp', 'fmp4', 'containers'],
  ...['agent-commands', 'playback', 'mp4-export', 'revoked-access', 'flac'],
] as const;

/** They mostly wait for what happens in real time: two of them fit beside a busy one. The idlest of the long ones first. */
export const waiting = [
  ...['camera-refusals', 'key-pictures', 'tunnel-backfill', 'redundant-sources', 'rtsp-server', 'tunnel', 'snapshot'],
  ...['agent-update', 'agent', 'recording-modes', 'on-demand', 'depacketize', 'depacketize-codecs', 'replay-pull'],
] as const;

/** They judge how long something took, and leave the machine nearly idle meanwhile: a pair of them fits, in this order. */
export const quiet = ['recorder-kill', 'doctor', 'recorder-disk', 'recorder-power-cut'] as const;

/** They judge what the whole machine does, or play live in a browser: nothing else may run. */
const isAlone = (file: string) =>
  nameOf(file) === 'cycles' || (readFileSync(file, 'utf8').includes('chromium.launch') && !playsFiles(file));

/** A browser that plays what is recorded takes the time it needs. */
const playsFiles = (file: string) => ['fmp4', 'mp4-export', 'playback'].includes(nameOf(file));

const nameOf = (file: string) => basename(file, '.test.ts');

const isIn = (names: readonly string[], file: string) => names.includes(nameOf(file));

/** Files in the order of a list of names; those that it does not name follow. */
function inOrder(files: readonly string[], names: readonly string[]): string[] {
  const rank = (file: string) => (isIn(names, file) ? names.indexOf(nameOf(file)) : names.length);
  return files.toSorted((a, b) => rank(a) - rank(b));
}

/** What runs beside what: a busy file and two that wait; then the quiet ones in pairs; then those that must be alone. */
export function groupsOf(files: readonly string[]): Group[] {
  const pairs = files.filter((file) => isIn(quiet, file));
  const single = files.filter((file) => !isIn(quiet, file) && isAlone(file));
  const others = files.filter((file) => !pairs.includes(file) && !single.includes(file));
  const busyQueue = inOrder(
    others.filter((file) => isIn(busy, file)),
    busy,
  );
  const waitingQueue = inOrder(
    others.filter((file) => !isIn(busy, file)),
    waiting,
  );
  const pairsQueue = inOrder(pairs, quiet);
  return [
    { lanes: [[busyQueue, waitingQueue], [waitingQueue], [waitingQueue]], note: ', three at a time' },
    { lanes: [[pairsQueue], [pairsQueue]], note: ', two at a time' },
    { lanes: [[single]], note: '' },
  ];
}

/** Runs groups of files one after the other; a test that runs longer than `timeoutMs` has failed. */
export async function runGroups(
  groups: readonly Group[],
  timeoutMs: number,
  failed: FailedFile[] = [],
): Promise<Counts> {
  let counts = NOTHING;
  for (const { lanes, note } of groups) {
    const total = new Set(lanes.flat(2)).size;
    let begun = 0;
    const runLane = async (lane: Lane) => {
      const next = () => lane.find((queue) => queue.length > 0)?.shift();
      for (let file = next(); file !== undefined; file = next()) {
        begun++;
        const report = await runFile(file, `${begun} of ${total}${note}`, { timeoutMs, beside: lanes.length > 1 });
        if (report.failed > 0) failed.push({ file, report });
        counts = add(counts, report);
      }
    };
    await Promise.all(lanes.map(runLane));
  }
  return counts;
}

/** Runs a file; lines of files beside each other are shown when their file is done. */
async function runFile(file: string, place: string, how: { timeoutMs: number; beside: boolean }) {
  const heading = `\n» ${file} (${place})`;
  const run = { files: [file], concurrency: 1, timeoutMs: how.timeoutMs, limitMs: how.timeoutMs };
  if (!how.beside) {
    process.stdout.write(`${heading}\n`);
    return await runTests(run);
  }
  const lines = [heading];
  const report = await runTests({ ...run, onLine: (line) => lines.push(line) });
  process.stdout.write(`${lines.join('\n')}\n`);
  return report;
}
