/** The candidate that `word` was most likely meant to be; undefined when none is near enough. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = normalize(word);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, normalize(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (best !== undefined) return best;
  // "segment_seconds" for "segment_duration", "retention" for "retention_days"
  return candidates.find(
    (candidate) => wanted.length >= 4 && (normalize(candidate).startsWith(wanted) || sameFirstWord(word, candidate)),
  );
}

function normalize(word: string): string {
  return word.toLowerCase().replaceAll(/[-_\s]/g, '');
}

function sameFirstWord(a: string, b: string): boolean {
  const [first, ...more] = a.toLowerCase().split(/[-_]/);
  return more.length > 0 && first !== undefined && first.length >= 4 && b.startsWith(`${first}_`);
}

/** Damerau–Levenshtein (restricted): a swap of neighbours counts once, as in "rstp". */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
