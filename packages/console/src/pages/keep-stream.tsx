import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import type { Stream } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { FailureNotice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';

/** For a stream that its publisher made: makes it one that stays, under the same id; whoever sends it goes on. */
export function KeepStream({ stream }: { stream: Stream }) {
  const { t } = useWords();
  const { stream_id, title, protocol, recording } = stream;
  const keep = useChange(
    () =>
      request('POST', '/streams/ingest', {
        body: { protocol, stream_id, title, source: { [protocol]: {} }, record: recording.enabled },
      }),
    ['streams', 'publish'],
  );
  return (
    <>
      <Button icon="check" busy={keep.isPending} onClick={() => keep.mutate(undefined)}>
        {t('stream.keep')}
      </Button>
      {keep.isError ? <FailureNotice error={keep.error} /> : null}
    </>
  );
}
