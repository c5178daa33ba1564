import { type FormEvent, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange, useStreams } from '../api/queries.ts';
import type { Stream } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { CheckField, SelectField } from '../components/field.tsx';
import { FailureNotice } from '../components/notice.tsx';
import { PublishPathField, StreamNameFields } from '../components/stream-fields.tsx';
import { useWords } from '../i18n/language.ts';
import { isStreamId, suggestStreamId } from '../i18n/stream-id.ts';
import { navigate } from '../router.ts';

/** Ways in which encoders send; RTMP first, as most of them do. */
const ways = { rtmp: 'RTMP', rtsp: 'RTSP' } as const;
type Way = keyof typeof ways;

/** A stream that an encoder sends to us: its name, and where to. */
export function AddPublished() {
  const { t } = useWords();
  const taken = new Set((useStreams().data ?? []).map((stream) => stream.stream_id));
  const [title, setTitle] = useState('');
  const [typedId, setTypedId] = useState<string | null>(null);
  const [way, setWay] = useState<Way>('rtmp');
  const [path, setPath] = useState('');
  const [record, setRecord] = useState(true);
  const id = typedId ?? suggestStreamId(title, taken);
  const save = useChange(() => {
    const source = { [way]: way === 'rtmp' ? placeOf(path.trim()) : {} };
    return request<Stream>('POST', '/streams/ingest', {
      body: { protocol: way, stream_id: id, title: title.trim() || id, source, record },
    });
  }, ['streams']);
  const idError = !isStreamId(id) ? t('add.id_wrong') : taken.has(id) && !save.isPending ? t('add.id_taken') : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (idError === null) save.mutate(undefined, { onSuccess: (stream) => navigate(`/streams/${stream.stream_id}`) });
  };
  return (
    <form className="card" onSubmit={submit}>
      <p className="muted">{t('add.published_lead')}</p>
      <StreamNameFields title={title} id={id} idError={idError} autoFocus onTitle={setTitle} onId={setTypedId} />
      <SelectField
        label={t('publish.way')}
        name="way"
        value={way}
        onChange={({ target }) => setWay(target.value as Way)}
      >
        {Object.entries(ways).map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </SelectField>
      {way === 'rtmp' ? <PublishPathField value={path} onChange={setPath} /> : null}
      <CheckField label={t('camera.record')} checked={record} onChange={({ target }) => setRecord(target.checked)} />
      {save.isError ? <FailureNotice error={save.error} /> : null}
      <Button tone="primary" type="submit" icon="check" busy={save.isPending}>
        {t('add.save')}
      </Button>
    </form>
  );
}

/** `APP/STREAM` as the API has it: the last segment is the stream key. */
function placeOf(path: string): Record<string, string> {
  if (path === '') return {};
  const slash = path.lastIndexOf('/');
  return { app: path.slice(0, Math.max(slash, 0)), stream: path.slice(slash + 1) };
}
