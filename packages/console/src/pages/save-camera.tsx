import { type FormEvent, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange, useStreams } from '../api/queries.ts';
import type { ProbeCandidate, ProbeResult, Stream } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { CheckField } from '../components/field.tsx';
import { FailureNotice, Notice } from '../components/notice.tsx';
import { StreamNameFields } from '../components/stream-fields.tsx';
import { useWords } from '../i18n/language.ts';
import { isStreamId, suggestStreamId } from '../i18n/stream-id.ts';
import { browserSupports, playability } from '../player/codec-support.ts';
import { navigate } from '../router.ts';
import type { CameraAccess } from './add-camera.tsx';
import { chooseCandidates, type ProbeChoice, shownLive } from './probe-choice.ts';
import { TrackText } from './stream-details.tsx';

/** What answered at the address, and the name under which it is saved. */
export function SaveCamera({ result, access }: { result: ProbeResult; access: CameraAccess }) {
  const { t } = useWords();
  const [choice, setChoice] = useState<ProbeChoice | null>(() => chooseCandidates(result.candidates));
  if (!choice) return null;
  return (
    <>
      <section className="card">
        <h2>{t('add.answered')}</h2>
        {result.server ? <p className="muted">{result.server}</p> : null}
        <CandidateTable candidates={result.candidates} choice={choice} onChoose={setChoice} />
        {shownLive(result.candidates, choice, browserSupports) === null ? (
          <Notice tone="warning">{t('add.not_playable')}</Notice>
        ) : null}
      </section>
      <NameForm candidates={result.candidates} choice={choice} access={access} />
    </>
  );
}

function CandidateTable(props: {
  candidates: readonly ProbeCandidate[];
  choice: ProbeChoice;
  onChoose: (choice: ProbeChoice) => void;
}) {
  const { t } = useWords();
  const { candidates, choice } = props;
  const live = shownLive(candidates, choice, browserSupports);
  return (
    <ul className="candidates">
      {candidates.map((candidate, index) =>
        candidate.error ? null : (
          <li key={candidate.url} data-chosen={index === choice.main || index === choice.sub || undefined}>
            <div className="candidate-text">
              <code>{candidate.url}</code>
              <div>
                {candidate.tracks.map((track) => (
                  <TrackText key={`${track.kind}-${track.codec}`} track={track} />
                ))}
                <Playable candidate={candidate} />
                {live === index ? <span className="badge badge-online">{t('add.shown_live')}</span> : null}
              </div>
            </div>
            <label>
              <input
                type="radio"
                name="main"
                checked={index === choice.main}
                onChange={() => props.onChoose({ main: index, sub: choice.sub === index ? null : choice.sub })}
              />
              {t('quality.main')}
            </label>
            <label>
              <input
                type="checkbox"
                checked={index === choice.sub}
                disabled={index === choice.main}
                onChange={() => props.onChoose({ ...choice, sub: choice.sub === index ? null : index })}
              />
              {t('quality.sub')}
            </label>
          </li>
        ),
      )}
    </ul>
  );
}

function Playable({ candidate }: { candidate: ProbeCandidate }) {
  const { t } = useWords();
  const answer = playability(candidate.tracks, browserSupports);
  if (answer === 'unknown') return null;
  return (
    <span className={answer === 'yes' ? 'badge badge-quiet' : 'badge badge-offline'}>
      {t(answer === 'yes' ? 'add.playable' : 'add.unplayable')}
    </span>
  );
}

function NameForm(props: { candidates: readonly ProbeCandidate[]; choice: ProbeChoice; access: CameraAccess }) {
  const { t } = useWords();
  const { candidates, choice, access } = props;
  const streams = useStreams().data ?? [];
  const taken = new Set(streams.map((stream) => stream.stream_id));
  const [title, setTitle] = useState('');
  const [typedId, setTypedId] = useState<string | null>(null);
  const [record, setRecord] = useState(true);
  const [onDemand, setOnDemand] = useState(false);
  const id = typedId ?? suggestStreamId(title, taken);
  const save = useChange(
    () =>
      request<Stream>('POST', '/streams', {
        body: {
          stream_id: id,
          title: title.trim() === '' ? id : title.trim(),
          protocol: 'rtsp',
          source_url: candidates[choice.main]?.url ?? '',
          ...(choice.sub === null ? {} : { sub_url: candidates[choice.sub]?.url }),
          ...(access.username === '' ? {} : { username: access.username, password: access.password }),
          record,
          on_demand: onDemand && !record,
        },
      }),
    ['streams'],
  );
  const idError = !isStreamId(id) ? t('add.id_wrong') : taken.has(id) ? t('add.id_taken') : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (idError === null) save.mutate(undefined, { onSuccess: (stream) => navigate(`/streams/${stream.stream_id}`) });
  };
  return (
    <form className="card" onSubmit={submit}>
      <StreamNameFields title={title} id={id} idError={idError} onTitle={setTitle} onId={setTypedId} />
      <CheckField label={t('camera.record')} checked={record} onChange={(event) => setRecord(event.target.checked)} />
      {record ? null : (
        <CheckField
          label={t('camera.on_demand')}
          hint={t('camera.on_demand_hint')}
          checked={onDemand}
          onChange={(event) => setOnDemand(event.target.checked)}
        />
      )}
      {save.isError ? <FailureNotice error={save.error} /> : null}
      <Button tone="primary" type="submit" icon="check" busy={save.isPending}>
        {t('add.save')}
      </Button>
    </form>
  );
}
