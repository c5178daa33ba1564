import type { Role } from '../api/types.ts';

/** What somebody may do, and with which cameras; `streams: null` for all. */
export interface RightsValue {
  readonly role: Role;
  readonly streams: readonly string[] | null;
}

/** What of the rights is another than before: what somebody else changed meanwhile stays where it was left alone here. */
export function changedRights(before: RightsValue, after: RightsValue): { role?: Role; streams?: string[] | null } {
  const isSame = JSON.stringify(sorted(before.streams)) === JSON.stringify(sorted(after.streams));
  return {
    ...(before.role !== after.role && { role: after.role }),
    ...(!isSame && { streams: after.streams === null ? null : [...after.streams] }),
  };
}

function sorted(streams: readonly string[] | null): string[] | null {
  return streams === null ? null : [...streams].sort();
}
