import { useState } from 'react';
import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import type { Stream } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { CheckField } from '../components/field.tsx';
import { FailureNotice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { navigate } from '../router.ts';

/** Asks whether a camera is really to go; recordings stay unless ticked. */
export function DeleteCamera({ stream, onClose }: { stream: Stream; onClose: () => void }) {
  const { t } = useWords();
  const [withRecordings, setWithRecordings] = useState(false);
  const remove = useChange(
    () =>
      request('DELETE', `/streams/${stream.stream_id}`, {
        query: { recordings: withRecordings ? 'delete' : undefined },
      }),
    ['streams', 'storage'],
  );
  return (
    <Dialog title={t('delete.title', { title: stream.title })} onClose={onClose}>
      <p>{t('delete.lead')}</p>
      <CheckField
        label={t('delete.recordings')}
        hint={t('delete.recordings_hint')}
        checked={withRecordings}
        onChange={(event) => setWithRecordings(event.target.checked)}
      />
      {remove.isError ? <FailureNotice error={remove.error} /> : null}
      <div className="dialog-actions">
        <Button onClick={onClose}>{t('action.cancel')}</Button>
        <Button
          tone="danger"
          icon="trash"
          busy={remove.isPending}
          onClick={() => remove.mutate(undefined, { onSuccess: () => navigate('/') })}
        >
          {t('stream.delete')}
        </Button>
      </div>
    </Dialog>
  );
}
