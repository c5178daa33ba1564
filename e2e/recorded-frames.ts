import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { readFrameNumber } from '@watchpost/simulator/frame-number.ts';
import { runProgram, type TestServer, wait } from './harness.ts';

const width = 320;
const height = 180;
/** Pictures of a clip of the simulator; the numbers begin again after it. */
const framesPerLoop = 200;
const frameMs = 40;
/** What stretches of time may be off by. */
const slackMs = 300;

/** A segment or gap of `GET /recordings/{id}`; times in ms since 1970. */
export interface Stretch {
  readonly startMs: number;
  readonly endMs: number;
  /** Of a gap. */
  readonly reason?: string;
  /** Of a segment. */
  readonly run?: string;
}

/** What was recorded of a stream. */
export interface Recorded {
  readonly segments: readonly Stretch[];
  /** Between its first and its last picture. */
  readonly gaps: readonly Stretch[];
  readonly startMs: number;
  readonly endMs: number;
  /** For each segment: the frame numbers in it. */
  readonly frames: readonly (readonly (number | undefined)[])[];
}

interface Rows {
  readonly segments: readonly { start: string; end: string; run: string; growing: boolean }[];
  readonly gaps: readonly { start: string; end: string | null; reason: string }[];
}

/**
 * Stops the stream, and checks that each of its files decodes without a complaint and that no time is unaccounted for.
 * `mayComplain`: the camera itself sent pictures that refer to others which it never sent.
 */
export async function checkRecordings(server: TestServer, id: string, { mayComplain = false } = {}): Promise<Recorded> {
  await server.api(`/streams/${id}/stop`, { method: 'POST' }).catch(() => {});
  let rows: Rows | undefined;
  for (let tries = 0; rows === undefined || rows.segments.some(({ growing }) => growing); tries++) {
    if (tries > 50) throw new Error(`segments of "${id}" are still growing: ${JSON.stringify(rows)}`);
    if (tries > 0) await wait(200);
    rows = await server.api<Rows>(`/recordings/${id}`);
  }
  const segments = rows.segments.map((row) => ({
    startMs: Date.parse(row.start),
    endMs: Date.parse(row.end),
    run: row.run,
  }));
  const gaps = rows.gaps.map((row) => ({
    startMs: Date.parse(row.start),
    endMs: row.end === null ? Number.POSITIVE_INFINITY : Date.parse(row.end),
    reason: row.reason,
  }));
  const files = filesOf(server, id);
  assert.equal(files.length, segments.length, `a file for each row of "${id}"`);
  const frames: (number | undefined)[][] = [];
  for (const file of files) {
    if (!mayComplain) assert.equal(await complaintsOf(file), '', file);
    frames.push(await framesOf(file));
  }
  const startMs = segments[0]?.startMs ?? 0;
  const endMs = segments.at(-1)?.endMs ?? 0;
  // Loss inside a file has a row of its own, over video that is recorded.
  const between = gaps.filter((gap) => gap.reason !== 'packet_loss' || !segments.some((one) => holds(one, gap)));
  checkTime([...segments, ...between], { startMs, endMs, what: id });
  return { segments, gaps: between.filter((gap) => gap.startMs < endMs - slackMs), startMs, endMs, frames };
}

function holds(segment: Stretch, gap: Stretch): boolean {
  return gap.startMs >= segment.startMs - slackMs && gap.endMs <= segment.endMs + slackMs;
}

/** Files of a stream in order of time. */
export function filesOf(server: TestServer, id: string): string[] {
  return globSync(`video/${id}/**/*.mp4`, { cwd: server.dir })
    .sort()
    .map((file) => join(server.dir, file));
}

/** What FFmpeg says about a file when it decodes all of it. */
export async function complaintsOf(file: string): Promise<string> {
  const { status, stderr } = await runProgram('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-']);
  return status === 0 ? stderr : `${stderr} (status ${status})`;
}

/** The frame numbers of a file, address or list, as FFmpeg decodes them. */
export async function framesOf(input: string, more: readonly string[] = []): Promise<(number | undefined)[]> {
  const { stdout } = await runProgram('ffmpeg', [
    ...['-v', 'error', '-i', input, '-an', ...more, '-fps_mode', 'passthrough', '-vf', `scale=${width}:${height}`],
    ...['-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'],
  ]);
  const size = width * height;
  return Array.from({ length: Math.floor(stdout.length / size) }, (_, i) =>
    readFrameNumber(stdout.subarray(i * size, (i + 1) * size), width, height),
  );
}

/** Recorded time and explained gaps make up all the time between: neither holes nor overlaps above `slackMs`. */
export function checkTime(
  stretches: readonly Stretch[],
  { startMs, endMs, what }: { startMs: number; endMs: number; what: string },
): void {
  let atMs = startMs;
  for (const { startMs: from, endMs: to } of stretches.toSorted((a, b) => a.startMs - b.startMs)) {
    if (to <= startMs || from >= endMs) continue;
    assert.ok(
      Math.abs(from - atMs) <= slackMs || from <= startMs,
      `${what}: ${from - atMs} ms at +${atMs - startMs} ms are neither recorded nor explained: ${JSON.stringify(stretches)}`,
    );
    atMs = Math.max(atMs, Math.min(to, endMs));
  }
  assert.ok(endMs - atMs <= slackMs, `${what}: the last ${endMs - atMs} ms are not accounted for`);
}

/** Places where the next picture is not the one after: how many were left out, and at which picture. */
export function jumpsOf(frames: readonly (readonly (number | undefined)[])[]): { at: number; missing: number }[] {
  const jumps: { at: number; missing: number }[] = [];
  let last: number | undefined;
  let at = 0;
  for (const number of frames.flat()) {
    if (number === undefined) jumps.push({ at, missing: Number.NaN });
    else if (last !== undefined && number !== (last + 1) % framesPerLoop)
      jumps.push({ at, missing: (number - last - 1 + framesPerLoop) % framesPerLoop });
    last = number ?? last;
    at++;
  }
  return jumps;
}

/**
 * How far the recorded wall clock strays from the camera's, ms: each segment's start, less the time of its first frame
 * number, must be the same instant for all (within one loop of the clip).
 */
export function clockSpreadMs({ segments, frames }: Recorded): number {
  const loopMs = framesPerLoop * frameMs;
  const phases = segments.flatMap(({ startMs }, i) => {
    const number = frames[i]?.[0];
    return number === undefined ? [] : [(((startMs - number * frameMs) % loopMs) + loopMs) % loopMs];
  });
  const first = phases[0] ?? 0;
  const offsets = phases.map((phase) => ((phase - first + 1.5 * loopMs) % loopMs) - loopMs / 2);
  return offsets.length === 0 ? 0 : Math.max(...offsets) - Math.min(...offsets);
}
