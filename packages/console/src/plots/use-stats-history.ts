import { useEffect, useState } from 'react';
import { useStats } from '../api/queries.ts';
import { addStats, noHistory, type StatsHistory } from './stats-history.ts';

/** So many streams are remembered, so that going back to one shows its last minutes. */
const maxStreams = 12;
const remembered = new Map<string, StatsHistory>();

/** The last minutes of a stream, as long as somebody looked. */
export function useStatsHistory(id: string): StatsHistory {
  const { data, dataUpdatedAt } = useStats(id);
  const [history, setHistory] = useState(() => remembered.get(id) ?? noHistory);
  useEffect(() => {
    if (data === undefined) return;
    const known = remembered.get(id) ?? noHistory;
    if (known.samples.at(-1)?.atMs === dataUpdatedAt) return;
    const next = addStats(known, data, dataUpdatedAt);
    remembered.delete(id);
    remembered.set(id, next);
    for (const oldest of remembered.keys()) if (remembered.size > maxStreams) remembered.delete(oldest);
    setHistory(next);
  }, [id, data, dataUpdatedAt]);
  return history;
}
