import type { Segment } from '../catalog/types.ts';
import type { FragmentGroup } from './fragment-groups.ts';

/** How playlists are written. */
export interface PlaylistOptions {
  /** Put behind each address: `?token=…` or empty. */
  readonly tokenQuery?: string;
  /** A segment behind a discontinuity has its init segment in front. */
  readonly initInSegments?: boolean;
}

/** Where a segment behind a discontinuity begins. */
export function firstByte({ start }: FragmentGroup, { initBytes }: Segment, initInSegments: boolean): number {
  return initInSegments && start === initBytes ? 0 : start;
}
