import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { NewToken } from '../api-types.ts';
import { request } from './client.ts';
import { useServerAnswers } from './reach.ts';
import type {
  ApiToken,
  Diagnosis,
  Discovery,
  EventList,
  NewApiToken,
  Playback,
  RecordedDays,
  Session,
  Storage,
  Stream,
  StreamList,
  StreamStats,
  Timeline,
} from './types.ts';

/** Who is asking; asked again while nobody answers, so that what could not be asked meanwhile is known soon after. */
export function useSession() {
  const isAway = !useServerAnswers();
  return useQuery({
    queryKey: ['session'],
    queryFn: () => request<Session>('GET', '/session'),
    staleTime: 5000,
    refetchInterval: isAway ? 3000 : false,
  });
}

/** All streams, second qualities included; fresh every 4 s, and at once when an event tells of a change. */
export function useStreams() {
  return useQuery({
    queryKey: ['streams'],
    queryFn: async () => {
      const all: Stream[] = [];
      let after: string | undefined;
      do {
        const page = await request<StreamList>('GET', '/streams', { query: { after } });
        all.push(...page.streams);
        after = page.next ?? undefined;
      } while (after !== undefined && all.length < 10_000);
      return all;
    },
    refetchInterval: 4000,
  });
}

/** Counters of one stream, every second. */
export function useStats(id: string) {
  return useQuery({
    queryKey: ['stats', id],
    queryFn: () => request<StreamStats>('GET', `/streams/${id}/stats`),
    refetchInterval: 1000,
  });
}

/** What is wrong with one stream, every 10 s. */
export function useDiagnosis(id: string) {
  return useQuery({
    queryKey: ['doctor', id],
    queryFn: () => request<Diagnosis>('GET', `/streams/${id}/doctor`),
    refetchInterval: 10_000,
  });
}

/** What was recorded between two instants (ms since 1970 UTC). */
export function useTimeline(id: string, range: { startMs: number; endMs: number; live: boolean }) {
  return useQuery({
    queryKey: ['timeline', id, range.startMs, range.endMs],
    queryFn: () =>
      request<Timeline>('GET', `/recordings/${id}/timeline`, {
        query: { start: new Date(range.startMs).toISOString(), end: new Date(range.endMs).toISOString() },
      }),
    refetchInterval: range.live ? 5000 : false,
    placeholderData: (previous) => previous,
  });
}

/** Days (of `tz`) of which there are recordings. */
export function useRecordedDays(id: string, range: { from: string; to: string; tz: string }, enabled: boolean) {
  return useQuery({
    queryKey: ['days', id, range.from, range.to, range.tz],
    queryFn: () => request<RecordedDays>('GET', `/recordings/${id}/days`, { query: { ...range } }),
    enabled,
  });
}

/** Address of a stretch of recordings to play. */
export function fetchPlayback(id: string, startMs: number, endMs: number): Promise<Playback> {
  return request<Playback>('GET', `/recordings/${id}/playback`, {
    query: { start: new Date(startMs).toISOString(), end: new Date(endMs).toISOString() },
  });
}

/** Disks and what lies on them. */
export function useStorage() {
  return useQuery({
    queryKey: ['storage'],
    queryFn: () => request<Storage>('GET', '/storage'),
    refetchInterval: 10_000,
  });
}

/** Devices on the network, and vendors. */
export function useDiscovery() {
  return useQuery({
    queryKey: ['discovery'],
    queryFn: () => request<Discovery>('GET', '/discovery'),
    staleTime: 30_000,
  });
}

/** API tokens of the person. */
export function useTokens() {
  return useQuery({
    queryKey: ['tokens'],
    queryFn: async () => (await request<{ tokens: ApiToken[] }>('GET', '/tokens')).tokens,
  });
}

/** A change; the queries named in `refresh` are asked again after it. */
export function useChange<Input, Output = unknown>(
  run: (input: Input) => Promise<Output>,
  refresh: readonly string[] = [],
) {
  const client = useQueryClient();
  return useMutation<Output, Error, Input>({
    mutationFn: run,
    onSuccess: () => refreshQueries(client, refresh),
  });
}

/** Asks again for everything under these first words of query keys. */
export async function refreshQueries(client: QueryClient, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map((key) => client.invalidateQueries({ queryKey: [key] })));
}

/** One page of events, newest first. */
export function fetchEvents(filter: {
  level?: string | undefined;
  stream_id?: string | undefined;
  type?: string | undefined;
  before?: number | undefined;
  limit?: number;
}): Promise<EventList> {
  return request('GET', '/events', { query: { limit: 100, ...filter } });
}

/** Makes an API token; the secret is in this answer only. */
export function createToken(input: NewToken): Promise<NewApiToken> {
  return request('POST', '/tokens', { body: input });
}
