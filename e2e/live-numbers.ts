import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFrameNumber } from '@watchpost/simulator/frame-number.ts';

const width = 320;
const height = 180;
/** Numbers of frames begin anew after so many. */
export const loopFrames = 200;

/** Numbers of the frames that a program decoded to gray pictures of 320 by 180. */
export function numbersOf(stdout: Buffer): (number | undefined)[] {
  const size = width * height;
  return Array.from({ length: Math.floor(stdout.length / size) }, (_, i) =>
    readFrameNumber(stdout.subarray(i * size, (i + 1) * size), width, height),
  );
}

/** At least `count` frames, each the one after the one before. */
export function assertConsecutive(numbers: readonly (number | undefined)[], count: number, what: string): void {
  assert.ok(numbers.length >= count, `${what}: ${numbers.length} frames`);
  const first = numbers[0]!;
  const expected = Array.from({ length: numbers.length }, (_, i) => (first + i) % loopFrames);
  assert.deepEqual(numbers, expected, what);
}

/** Starts a program that goes on until it is disposed of. `quiet`: what it says about its end is no news. */
export function runningProgram(
  program: string,
  args: readonly string[],
  { quiet = false } = {},
): ChildProcess & AsyncDisposable {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', quiet ? 'ignore' : 'inherit'] });
  return Object.assign(child, {
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGINT');
      setTimeout(() => child.kill('SIGKILL'), 3000).unref();
      await gone;
    },
  });
}
