import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { add, type Counts, NOTHING, runTests, type TestReport } from './run-tests.ts';

/** Files of a lane that run one after the other: those of its first queue, then what is left of the next one. */
type Lane = readonly string[][];

/** Lanes beside each other. They may share queues. */
export interface Group {
  readonly lanes: readonly Lane[];
  /** Said behind the number of a file. */
  readonly note: string;
}

/** What they judge strays where they wait for a core: only one of the idlest runs beside them. */
export const sensitive = [
  ...['camera-faults', 'gstreamer-camera', 'rtmp', 'recording-modes', 'codec-cameras', 'playback'],
] as const;

/** They wait for what happens in real time, and take less than a quarter of a core. */
export const idle = ['camera-refusals', 'key-pictures', 'tunnel-backfill', 'redundant-sources', 'on-demand'] as const;

/** They take more than half of a core: one of them at a time. The longest first. */
export const busy = [
  ...['other-pulls', 'rtsp-pull-udp', 'fmp4', 'containers', 'agent-commands', 'mp4-export', 'revoked-access', 'flac'],
] as const;

/** The longest of all others, of which two fit beside a busy one. */
export const longest = [
  ...['rtsp-server', 'tunnel', 'snapshot', 'agent-update', 'agent', 'depacketize', 'depacketize-codecs', 'replay-pull'],
] as const;

/** They judge how long something took, and leave the machine nearly idle meanwhile: a pair of them fits, in this order. */
export const quiet = ['recorder-kill', 'doctor', 'recorder-disk', 'recorder-power-cut'] as const;

/** They click through the console for long, and leave most of the machine idle; the longest first. */
export const pages = ['console', 'camera-pages'] as const;

/** They wait more than they work, a third of a core each: two of them fit beside the console. The longest first. */
export const patient = [
  ...['agent-paths', 'published-sound', 'tunnel-reload', 'reload-storage', 'protocols-enabled', 'reload-access'],
  ...['reload-protocols', 'reload', 'rtsp-client'],
] as const;

/** They judge what the whole machine does, or play live in a browser: nothing else may run. Those named above play files. */
const isAlone = (file: string) => nameOf(file) === 'cycles' || readFileSync(file, 'utf8').includes('chromium.launch');

const nameOf = (file: string) => basename(file, '.test.ts');

const isIn = (names: readonly string[], file: string) => names.includes(nameOf(file));

/** Files in the order of a list of names; those that it does not name follow. */
function inOrder(files: readonly string[], names: readonly string[]): string[] {
  const rank = (file: string) => (isIn(names, file) ? names.indexOf(nameOf(file)) : names.length);
  return files.toSorted((a, b) => rank(a) - rank(b));
}

/**
 * What runs beside what: a sensitive file and an idle one; a busy one and two more; quiet pairs; the console and two that are
 * patient; those that must be alone.
 */
export function groupsOf(files: readonly string[]): Group[] {
  const take = (names: readonly string[]) => inOrder(files, names).filter((file) => isIn(names, file));
  const [sensitiveQueue, idleQueue, busyQueue, pairs] = [take(sensitive), take(idle), take(busy), take(quiet)];
  const [pagesQueue, patientQueue] = [take(pages), take(patient)];
  const placed = new Set([sensitiveQueue, idleQueue, busyQueue, pairs, pagesQueue, patientQueue].flat());
  const single = files.filter((file) => !placed.has(file) && isAlone(file));
  const others = inOrder(
    files.filter((file) => !placed.has(file) && !single.includes(file)),
    longest,
  );
  return [
    { lanes: [[sensitiveQueue], [idleQueue]], note: ', two at a time' },
    { lanes: [[busyQueue, others], [others], [others]], note: ', three at a time' },
    { lanes: [[pairs], [pairs]], note: ', two at a time' },
    { lanes: [[pagesQueue], [patientQueue], [patientQueue]], note: ', three at a time' },
    { lanes: [[single]], note: '' },
  ];
}

/** Runs groups of files one after the other; a test that runs longer than `timeoutMs` has failed. */
export async function runGroups(
  groups: readonly Group[],
  timeoutMs: number,
  failed: TestReport[] = [],
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
        if (report.failed > 0) failed.push(report);
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
