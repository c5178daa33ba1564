import type { ProbeCandidate } from '../api/types.ts';
import { playability, type SupportCheck } from '../player/codec-support.ts';

/** What is chosen of the addresses that answered: by index. */
export interface ProbeChoice {
  readonly main: number;
  readonly sub: number | null;
}

/** The first main quality that answered, and the second quality of the same vendor. Null where nothing answered. */
export function chooseCandidates(candidates: readonly ProbeCandidate[]): ProbeChoice | null {
  const answered = candidates.flatMap((candidate, index) => (candidate.error === null ? [{ candidate, index }] : []));
  const main =
    answered.find(({ candidate }) => candidate.quality === 'main') ??
    answered.find(({ candidate }) => candidate.quality === 'unknown') ??
    answered[0];
  if (!main) return null;
  const sub = answered.find(
    ({ candidate, index }) =>
      index !== main.index && candidate.quality === 'sub' && candidate.vendor === main.candidate.vendor,
  );
  return { main: main.index, sub: sub?.index ?? null };
}

/** Which of the chosen addresses this browser will show live; null where it can decode neither. */
export function shownLive(
  candidates: readonly ProbeCandidate[],
  choice: ProbeChoice,
  supports: SupportCheck,
): number | null {
  for (const index of [choice.main, choice.sub]) {
    const candidate = index === null ? undefined : candidates[index];
    if (candidate && playability(candidate.tracks, supports) !== 'no') return index;
  }
  return null;
}

/** What to ask `POST /probe` for what was typed: a whole address or a host. */
export function probeTarget(address: string): { url: string } | { host: string } {
  const text = address.trim();
  return text.includes('://') ? { url: text } : { host: text.replace(/^\/+|\/+$/g, '') };
}
