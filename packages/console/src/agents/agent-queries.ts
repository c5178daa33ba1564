import { useQuery } from '@tanstack/react-query';
import { request } from '../api/client.ts';
import type * as api from '../api-types.ts';

/** A small program beside cameras behind NAT, which carries them to this server. */
export type Agent = api.Agent;
/** A camera that an agent found. */
export type FoundCamera = Agent['cameras'][number];
/** What lets agents in, without its secret. */
export type EnrolmentToken = api.EnrolmentToken;
/** The way through an agent. */
export type Tunnel = api.Tunnel;

/** All agents, fresh every 4 s. */
export function useAgents() {
  return useQuery({
    queryKey: ['agents'],
    queryFn: async () => (await request<{ agents: Agent[] }>('GET', '/agents')).agents,
    refetchInterval: 4000,
  });
}

/** The tunnels of all agents by id, fresh every 4 s. */
export function useTunnels() {
  return useQuery({
    queryKey: ['tunnels'],
    queryFn: async () => {
      const { tunnels } = await request<{ tunnels: Tunnel[] }>('GET', '/tunnels');
      return new Map(tunnels.map((tunnel) => [tunnel.id, tunnel]));
    },
    refetchInterval: 4000,
  });
}

/** What lets agents in. */
export function useEnrolmentTokens() {
  return useQuery({
    queryKey: ['enrolment'],
    queryFn: async () => (await request<{ tokens: EnrolmentToken[] }>('GET', '/agents/enrolment-tokens')).tokens,
  });
}
