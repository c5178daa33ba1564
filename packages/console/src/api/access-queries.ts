import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import type { Operations } from '../api-types.ts';
import { apiUrl, request } from './client.ts';
import type { AuditList, LoginSession, User } from './types.ts';

/** Everybody who may log in; for administrators. */
export function useUsers() {
  return useQuery({
    queryKey: ['users'],
    queryFn: async () => (await request<{ users: User[] }>('GET', '/users')).users,
  });
}

/** Where people are logged in: all of them for administrators, else oneself. */
export function useSessions() {
  return useQuery({
    queryKey: ['sessions'],
    queryFn: async () => (await request<{ sessions: LoginSession[] }>('GET', '/sessions')).sessions,
  });
}

/** Which rows of the audit log; what is empty is not asked for. */
export type AuditQuestion = Readonly<Record<'user' | 'action' | 'stream_id' | 'start' | 'end', string>>;

/** Pages of the audit log, newest first. */
export function useAudit(question: AuditQuestion) {
  return useInfiniteQuery({
    queryKey: ['audit', ...Object.values(question)],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam }) =>
      request<AuditList>('GET', '/audit', { query: { ...filled(question), before: pageParam, limit: 100 } }),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

/** Address of the same rows as a file. */
export function auditCsvUrl(question: AuditQuestion): string {
  return apiUrl('/audit', { ...filled(question), format: 'csv' });
}

/** Adds a user. */
export function createUser(user: Operations['createUser']['body']): Promise<User> {
  return request('POST', '/users', { body: user });
}

/** Changes role, cameras or password of a user. */
export function updateUser(name: string, change: Operations['updateUser']['body']): Promise<User> {
  return request('PATCH', `/users/${encodeURIComponent(name)}`, { body: change });
}

/** Removes a user with all log-ins and tokens. */
export function deleteUser(name: string): Promise<unknown> {
  return request('DELETE', `/users/${encodeURIComponent(name)}`);
}

function filled(question: AuditQuestion): Record<string, string> {
  return Object.fromEntries(Object.entries(question).filter(([, value]) => value !== ''));
}
