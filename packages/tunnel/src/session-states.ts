/** `fresh`: never had a connection. `down`: lost it, the grace time runs. */
export type SessionState = 'fresh' | 'up' | 'down' | 'closed';

/** What changes the state. */
export type SessionEvent = 'attached' | 'lost' | 'ended';

/** SPEC.md §5; an event leads from each state to exactly one. */
export const sessionTransitions: Readonly<Record<SessionState, Readonly<Record<SessionEvent, SessionState>>>> = {
  fresh: { attached: 'up', lost: 'fresh', ended: 'closed' },
  up: { attached: 'up', lost: 'down', ended: 'closed' },
  down: { attached: 'up', lost: 'down', ended: 'closed' },
  closed: { attached: 'closed', lost: 'closed', ended: 'closed' },
};
