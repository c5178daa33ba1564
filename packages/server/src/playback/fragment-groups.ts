import type { FragmentEntry } from '../catalog/types.ts';

/** Fragments of one file that make one HLS segment. */
export interface FragmentGroup {
  /** Bytes [start, end) of the file. */
  readonly start: number;
  readonly end: number;
  readonly startMs: number;
  readonly durationMs: number;
}

/** Which fragments of a file are wanted. */
export interface GroupOptions {
  /** Groups begin with the key fragment at or before it. */
  readonly fromMs: number;
  /** Fragments that begin here or later are left out. */
  readonly toMs: number;
  /** The file still grows: a group that may become longer is left out. */
  readonly growing: boolean;
  /** A group ends at the first key fragment after so long; default 4 s … */
  readonly leastMs?: number;
  /** … and between key fragments before it becomes longer than this; default 10 s. */
  readonly mostMs?: number;
}

const leastGroupMs = 4000;
/** What groups are no longer than, where nothing else is asked for. */
export const maxGroupMs = 10_000;
/** Pictures that are shown before an instant may be decoded so much after it: sixteen B pictures at 16 a second. */
export const maxReorderMs = 1000;

/**
 * Groups from key fragment to key fragment. What is grouped does not depend on what comes after, so that a playlist of a
 * file that grows only grows.
 */
export function groupFragments(fragments: readonly FragmentEntry[], options: GroupOptions): FragmentGroup[] {
  const { leastMs = leastGroupMs, mostMs = maxGroupMs } = options;
  const groups: FragmentGroup[] = [];
  let group: { start: number; end: number; startMs: number; durationMs: number } | undefined;
  let isWhole = !options.growing;
  for (let index = firstWantedFragment(fragments, options.fromMs); index < fragments.length; index++) {
    const fragment = fragments[index]!;
    if (fragment.startMs >= options.toMs) {
      isWhole = true;
      break;
    }
    const endsBefore =
      group !== undefined &&
      ((fragment.key && group.durationMs >= leastMs) || group.durationMs + fragment.durationMs > mostMs) &&
      // Sound behind the last picture: hls.js waits for ever for pictures in what has only sound.
      (fragment.key || fragment.durationMs > 0);
    if (group !== undefined && endsBefore) groups.push(group);
    if (group === undefined || endsBefore) {
      group = { start: fragment.offset, end: fragment.offset, startMs: fragment.startMs, durationMs: 0 };
    }
    group.end = fragment.offset + fragment.bytes;
    group.durationMs += fragment.durationMs;
  }
  if (group !== undefined && isWhole) groups.push(group);
  return groups;
}

/** The last key fragment that begins at or before `fromMs`; the first fragment where there is none. */
export function firstWantedFragment(fragments: readonly FragmentEntry[], fromMs: number): number {
  let low = 0;
  let high = fragments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fragments[middle]!.startMs <= fromMs) low = middle + 1;
    else high = middle;
  }
  // All up to `low - 1` begin in time; one that has ended by then is not wanted, if the file holds nothing later.
  let index = low - 1;
  while (index > 0 && !fragments[index]!.key) index--;
  const last = fragments.findLast(({ durationMs }) => durationMs > 0);
  if (last !== undefined && last.startMs + last.durationMs <= fromMs) return fragments.length;
  return Math.max(0, index);
}
