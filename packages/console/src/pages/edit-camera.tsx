import { type FormEvent, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange, useStreams } from '../api/queries.ts';
import type { Stream } from '../api/types.ts';
import { Button, IconButton } from '../components/button.tsx';
import { CheckField, TextField } from '../components/field.tsx';
import { Awaited, FailureNotice, Notice } from '../components/notice.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { PublishPathField } from '../components/stream-fields.tsx';
import { UrlListField } from '../components/url-list-field.tsx';
import { useWords } from '../i18n/language.ts';
import { navigate } from '../router.ts';
import { useIsAdmin } from '../session.tsx';
import { type CameraEdit, maxSources, maxTargets, toCameraEdit, toCameraPatch } from './camera-edit.ts';
import { NotFoundPage } from './not-found.tsx';
import { originNote } from './origin-note.ts';
import { RecordingFields } from './recording-fields.tsx';

/** Name, address and recording of a camera that was added here. */
export function EditCameraPage({ id }: { id: string }) {
  const { t } = useWords();
  const query = useStreams();
  const isAdmin = useIsAdmin();
  if (!query.data) return <Awaited query={query} />;
  const stream = query.data.find((entry) => entry.stream_id === id);
  if (!stream) return <NotFoundPage />;
  if (!isAdmin)
    return (
      <div className="page">
        <Notice tone="warning">{t('failure.code.ROLE_NEEDED')}</Notice>
      </div>
    );
  const sub = query.data.find((entry) => entry.stream_id === stream.sub_stream_id);
  const note = originNote(stream);
  return (
    <div className="page page-narrow">
      <header className="page-head">
        <IconButton icon="back" label={t('action.back')} onClick={() => navigate(`/streams/${id}`)} />
        <PageTitle>{t('edit.title', { title: stream.title })}</PageTitle>
      </header>
      {note === null ? (
        <EditForm stream={stream} subUrl={sub?.source_url ?? ''} />
      ) : (
        <Notice tone="info">{t(note)}</Notice>
      )}
    </div>
  );
}

function EditForm({ stream, subUrl }: { stream: Stream; subUrl: string }) {
  const { t } = useWords();
  const [before] = useState(() => toCameraEdit(stream, subUrl));
  const [edited, setEdited] = useState(before);
  const change = (part: Partial<CameraEdit>) => setEdited({ ...edited, ...part });
  const save = useChange(
    () => request('PATCH', `/streams/${stream.stream_id}`, { body: toCameraPatch(before, edited) }),
    ['streams', 'publish'],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(undefined, { onSuccess: () => navigate(`/streams/${stream.stream_id}`) });
  };
  const isPublished = before.sources.length === 0;
  return (
    <form className="card" onSubmit={submit}>
      <TextField
        label={t('camera.title')}
        name="title"
        maxLength={200}
        value={edited.title}
        onChange={(event) => change({ title: event.target.value })}
      />
      {isPublished ? (
        stream.protocol === 'rtmp' ? (
          <PublishPathField value={edited.publishPath} onChange={(publishPath) => change({ publishPath })} />
        ) : null
      ) : (
        <SourceFields edited={edited} onChange={change} />
      )}
      <RecordingFields
        value={edited.recording}
        manual={stream.recording.manual}
        onChange={(part) => change({ recording: { ...edited.recording, ...part } })}
      />
      <UrlListField
        label={t('camera.push')}
        hint={t('camera.push_hint')}
        add={t('camera.push_add')}
        most={maxTargets}
        values={edited.push}
        onChange={(push) => change({ push })}
      />
      {isPublished ? null : (
        <CheckField
          label={t('camera.on_demand')}
          hint={t('camera.on_demand_hint')}
          checked={edited.onDemand}
          onChange={(event) => change({ onDemand: event.target.checked })}
        />
      )}
      {save.isError ? <FailureNotice error={save.error} /> : null}
      <div className="dialog-actions">
        <Button onClick={() => navigate(`/streams/${stream.stream_id}`)}>{t('action.cancel')}</Button>
        <Button tone="primary" type="submit" icon="check" busy={save.isPending}>
          {t('action.save')}
        </Button>
      </div>
    </form>
  );
}

interface PartProps {
  readonly edited: CameraEdit;
  readonly onChange: (part: Partial<CameraEdit>) => void;
}

/** Where it is pulled from, and with which login. */
function SourceFields({ edited, onChange }: PartProps) {
  const { t } = useWords();
  return (
    <>
      <UrlListField
        label={t('camera.sources')}
        hint={t('camera.sources_hint')}
        add={t('camera.sources_add')}
        least={1}
        most={maxSources}
        isOrdered
        values={edited.sources}
        onChange={(sources) => onChange({ sources })}
      />
      <TextField
        label={t('camera.sub_url')}
        hint={t('camera.sub_url_hint')}
        spellCheck={false}
        value={edited.subUrl}
        onChange={(event) => onChange({ subUrl: event.target.value })}
      />
      <div className="field-row">
        <TextField
          label={t('add.username')}
          autoComplete="off"
          hint={t('edit.unchanged')}
          value={edited.username}
          onChange={(event) => onChange({ username: event.target.value })}
        />
        <TextField
          label={t('add.password')}
          type="password"
          autoComplete="new-password"
          hint={t('edit.unchanged')}
          value={edited.password}
          onChange={(event) => onChange({ password: event.target.value })}
        />
      </div>
    </>
  );
}
