import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { request } from '../api/client.ts';
import { ApiProblem } from '../api/problem.ts';
import type { ServerState } from '../api/types.ts';
import { addServerState, noServerHistory, type ServerHistory } from '../plots/server-history.ts';
import { useSignedIn } from '../session.tsx';

let remembered = noServerHistory;

/** The last minutes of the server; empty for those who may not look at the whole of it. */
export function useServerHistory(): ServerHistory {
  const { session } = useSignedIn();
  const { data, dataUpdatedAt } = useQuery({
    queryKey: ['server'],
    queryFn: () => request<ServerState>('GET', '/server'),
    enabled: (session.user?.streams ?? null) === null,
    refetchInterval: (query) =>
      query.state.error instanceof ApiProblem && query.state.error.status === 403 ? false : 2000,
  });
  const [history, setHistory] = useState(remembered);
  useEffect(() => {
    if (data === undefined || remembered.samples.at(-1)?.atMs === dataUpdatedAt) return;
    remembered = addServerState(remembered, data, dataUpdatedAt);
    setHistory(remembered);
  }, [data, dataUpdatedAt]);
  return history;
}
