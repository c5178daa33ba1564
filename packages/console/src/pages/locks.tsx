import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import type { Lock } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { TextField } from '../components/field.tsx';
import { FailureNotice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { useIsOperator } from '../session.tsx';
import type { Stretch } from '../timeline/geometry.ts';

/** What is locked of a day. */
export function useLocks(streamId: string, { startMs, endMs }: Stretch): readonly Lock[] {
  const query = useQuery({
    queryKey: ['locks', streamId, startMs, endMs],
    queryFn: async () =>
      (
        await request<{ locks: Lock[] }>('GET', `/recordings/${streamId}/locks`, {
          query: { start: startMs, end: endMs },
        })
      ).locks,
    staleTime: 30_000,
  });
  return query.data ?? [];
}

/** A button that locks a marked range, after asking why. */
export function LockButton({ streamId, range }: { streamId: string; range: Stretch }) {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button icon="lock" onClick={() => setOpen(true)}>
        {t('lock.make')}
      </Button>
      {open ? <LockDialog streamId={streamId} range={range} onClose={() => setOpen(false)} /> : null}
    </>
  );
}

function LockDialog({ streamId, range, onClose }: { streamId: string; range: Stretch; onClose: () => void }) {
  const { t, formats } = useWords();
  const [note, setNote] = useState('');
  const lock = useChange(
    () =>
      request('PUT', `/recordings/${streamId}/locks`, {
        body: { start: Math.round(range.startMs), end: Math.round(range.endMs), note: note.trim() },
      }),
    ['locks', 'storage'],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    lock.mutate(undefined, { onSuccess: onClose });
  };
  return (
    <Dialog title={t('lock.title')} onClose={onClose}>
      <form onSubmit={submit}>
        <p>
          {formats.dateTime(range.startMs)} – {formats.dateTime(range.endMs)}
        </p>
        <p className="muted">{t('lock.lead')}</p>
        <TextField
          label={t('lock.note')}
          name="lock-note"
          maxLength={200}
          value={note}
          onChange={({ target }) => setNote(target.value)}
        />
        {lock.isError ? <FailureNotice error={lock.error} /> : null}
        <div className="dialog-actions">
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button tone="primary" icon="lock" type="submit" busy={lock.isPending}>
            {t('lock.make')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** The locks of a day in words, each to be taken away. */
export function LockList({ streamId, locks }: { streamId: string; locks: readonly Lock[] }) {
  const { t, formats } = useWords();
  const mayUnlock = useIsOperator();
  const unlock = useChange(
    (id: number) => request('DELETE', `/recordings/${streamId}/locks/${id}`),
    ['locks', 'storage', 'timeline'],
  );
  if (locks.length === 0) return null;
  return (
    <details className="lock-list">
      <summary>{t('lock.count', { count: locks.length })}</summary>
      <ul>
        {locks.map((lock) => (
          <li key={lock.id}>
            <span className="gap-time">
              {formats.dateTime(Date.parse(lock.start))} – {formats.dateTime(Date.parse(lock.end))}
            </span>
            <p>
              {lock.note} <span className="muted">{lock.created_by}</span>
            </p>
            {mayUnlock ? (
              <Button tone="quiet" busy={unlock.isPending} onClick={() => unlock.mutate(lock.id)}>
                {t('lock.remove')}
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
      {unlock.isError ? <FailureNotice error={unlock.error} /> : null}
    </details>
  );
}
