import { type FormEvent, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange, useStreams } from '../api/queries.ts';
import type { Stream } from '../api/types.ts';
import { Button, IconButton } from '../components/button.tsx';
import { CheckField, TextField } from '../components/field.tsx';
import { FailureNotice, Loading, Notice } from '../components/notice.tsx';
import { UrlListField } from '../components/url-list-field.tsx';
import { useWords } from '../i18n/language.ts';
import { navigate } from '../router.ts';
import { useIsAdmin } from '../session.tsx';
import { NotFoundPage } from './not-found.tsx';
import { type RecordingEdit, toRecordingEdit, toRecordingPatch } from './recording-edit.ts';
import { RecordingFields } from './recording-fields.tsx';

/** Name, address and recording of a camera that was added here. */
export function EditCameraPage({ id }: { id: string }) {
  const { t } = useWords();
  const query = useStreams();
  const isAdmin = useIsAdmin();
  if (!query.data) return <Loading />;
  const stream = query.data.find((entry) => entry.stream_id === id);
  if (!stream) return <NotFoundPage />;
  if (!isAdmin) return <Notice tone="warning">{t('failure.forbidden')}</Notice>;
  const sub = query.data.find((entry) => entry.stream_id === stream.sub_stream_id);
  return (
    <div className="page page-narrow">
      <header className="page-head">
        <IconButton icon="back" label={t('action.back')} onClick={() => navigate(`/streams/${id}`)} />
        <h1>{t('edit.title', { title: stream.title })}</h1>
      </header>
      {stream.origin === 'file' ? (
        <Notice tone="info">{t('stream.in_file')}</Notice>
      ) : (
        <EditForm stream={stream} subUrl={sub?.source_url ?? ''} />
      )}
    </div>
  );
}

/** As many as the API takes. */
const maxFallbacks = 7;
const maxTargets = 16;

interface Edited {
  readonly title: string;
  readonly url: string;
  readonly subUrl: string;
  readonly fallbackUrls: readonly string[];
  readonly push: readonly string[];
  readonly username: string;
  readonly password: string;
  readonly recording: RecordingEdit;
  readonly onDemand: boolean;
}

/** Only what was changed: what is left out stays as it is, the password above all. */
function toPatch(before: Edited, after: Edited): Record<string, unknown> {
  return {
    ...(after.title === before.title ? {} : { title: after.title.trim() }),
    ...(after.url === before.url ? {} : { source_url: after.url.trim() }),
    ...(after.subUrl === before.subUrl ? {} : { sub_url: after.subUrl.trim() === '' ? null : after.subUrl.trim() }),
    ...(same(after.fallbackUrls, before.fallbackUrls) ? {} : { fallback_urls: trimmed(after.fallbackUrls) }),
    ...(same(after.push, before.push) ? {} : { push: trimmed(after.push) }),
    ...(after.username === '' ? {} : { username: after.username }),
    ...(after.password === '' ? {} : { password: after.password }),
    ...toRecordingPatch(before.recording, after.recording),
    ...(after.onDemand === before.onDemand ? {} : { on_demand: after.onDemand }),
  };
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}

function trimmed(urls: readonly string[]): string[] {
  return urls.map((url) => url.trim()).filter(Boolean);
}

function EditForm({ stream, subUrl }: { stream: Stream; subUrl: string }) {
  const { t } = useWords();
  const [before] = useState<Edited>({
    title: stream.title,
    url: stream.source_url ?? '',
    subUrl,
    fallbackUrls: stream.fallback_urls,
    push: stream.push.map(({ url }) => url),
    username: '',
    password: '',
    recording: toRecordingEdit(stream.recording),
    onDemand: stream.on_demand,
  });
  const [edited, setEdited] = useState(before);
  const change = (part: Partial<Edited>) => setEdited({ ...edited, ...part });
  const save = useChange(
    () => request('PATCH', `/streams/${stream.stream_id}`, { body: toPatch(before, edited) }),
    ['streams'],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(undefined, { onSuccess: () => navigate(`/streams/${stream.stream_id}`) });
  };
  return (
    <form className="card" onSubmit={submit}>
      <TextField
        label={t('camera.title')}
        maxLength={200}
        value={edited.title}
        onChange={(event) => change({ title: event.target.value })}
      />
      <TextField
        label={t('camera.url')}
        required
        spellCheck={false}
        value={edited.url}
        onChange={(event) => change({ url: event.target.value })}
      />
      <TextField
        label={t('camera.sub_url')}
        hint={t('camera.sub_url_hint')}
        spellCheck={false}
        value={edited.subUrl}
        onChange={(event) => change({ subUrl: event.target.value })}
      />
      <UrlListField
        label={t('camera.fallback')}
        hint={t('camera.fallback_hint')}
        add={t('camera.fallback_add')}
        most={maxFallbacks}
        values={edited.fallbackUrls}
        onChange={(fallbackUrls) => change({ fallbackUrls })}
      />
      <div className="field-row">
        <TextField
          label={t('add.username')}
          autoComplete="off"
          hint={t('edit.unchanged')}
          value={edited.username}
          onChange={(event) => change({ username: event.target.value })}
        />
        <TextField
          label={t('add.password')}
          type="password"
          autoComplete="new-password"
          hint={t('edit.unchanged')}
          value={edited.password}
          onChange={(event) => change({ password: event.target.value })}
        />
      </div>
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
      <CheckField
        label={t('camera.on_demand')}
        hint={t('camera.on_demand_hint')}
        checked={edited.onDemand}
        onChange={(event) => change({ onDemand: event.target.checked })}
      />
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
