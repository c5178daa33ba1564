import type { Rights } from '../catalog/identity/types.ts';

/** Role and streams as the API shows them. */
export function toRightsView({ role, streams }: Rights): { role: Rights['role']; streams: string[] | null } {
  return { role, streams: streams === undefined ? null : [...streams] };
}
