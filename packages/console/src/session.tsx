import { useQueryClient } from '@tanstack/react-query';
import { Activity, createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { onSessionLost } from './api/client.ts';
import { useSession } from './api/queries.ts';
import { onServerBack } from './api/reach.ts';
import type { Session } from './api/types.ts';
import { FailureNotice, Loading } from './components/notice.tsx';
import { LogInPage } from './pages/log-in.tsx';
import { SetUpPage } from './pages/set-up.tsx';
import { usePlace } from './router.ts';

interface SessionValue {
  readonly session: Session;
  /** Server clock minus browser clock, ms. */
  readonly clockOffsetMs: number;
}

const SessionContext = createContext<SessionValue | null>(null);

/** Who is logged in, and how the server's clock differs from ours. Only below `SessionGate`. */
export function useSignedIn(): SessionValue {
  const value = useContext(SessionContext);
  if (!value) throw new Error('useSignedIn outside SessionGate');
  return value;
}

/** May change cameras and settings: an administrator of all cameras. */
export function useIsAdmin(): boolean {
  const { session } = useSignedIn();
  return session.auth === 'none' || (session.user?.role === 'admin' && session.user.streams === null);
}

/** May move, record and export. */
export function useIsOperator(): boolean {
  const { session } = useSignedIn();
  return session.auth === 'none' || session.user?.role === 'admin' || session.user?.role === 'operator';
}

/**
 * Shows its children to those who are logged in; to all others the set-up or the log-in page, at the same address. What
 * somebody was typing when the session ended is there again once they have logged in; nobody else finds it.
 */
export function SessionGate({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const query = useSession();
  const place = usePlace();
  const [expired, setExpired] = useState(false);
  /** Whose page is shown, or hidden while they log in again. */
  const [known, setKnown] = useState<SessionValue | null>(null);
  useEffect(
    () =>
      onSessionLost(() => {
        const known = client.getQueryData<Session>(['session']);
        if (known?.user) setExpired(true);
        void client.invalidateQueries({ queryKey: ['session'] });
      }),
    [client],
  );
  useEffect(
    () =>
      onServerBack(() => {
        void client.refetchQueries({ type: 'active', predicate: ({ state }) => state.status === 'error' });
      }),
    [client],
  );
  const { data: session, dataUpdatedAt } = query;
  const value = useMemo(() => {
    if (!session) return null;
    const offset = Date.parse(session.time) - dataUpdatedAt;
    return { session, clockOffsetMs: Number.isFinite(offset) ? offset : 0 };
  }, [session, dataUpdatedAt]);
  if (!value) {
    if (!query.isError) return <Loading />;
    return (
      <main className="centered">
        <FailureNotice error={query.error} onRetry={() => void query.refetch()} />
      </main>
    );
  }
  if (!value.session.set_up && value.session.auth === 'required')
    return <SetUpPage token={place.query.get('token') ?? ''} />;
  const isOut = value.session.auth === 'required' && !value.session.user;
  const kept = expired ? known : null;
  const shown = isOut ? kept : value;
  // While rendering, and not in an effect: React begins anew at once, before anything of this is shown.
  if (shown !== known) setKnown(shown);
  return (
    <>
      {isOut ? <LogInPage expired={expired} onDone={() => setExpired(false)} /> : null}
      {shown ? (
        <Activity key={shown.session.user?.name} mode={isOut ? 'hidden' : 'visible'}>
          <SessionContext value={shown}>{children}</SessionContext>
        </Activity>
      ) : null}
    </>
  );
}
