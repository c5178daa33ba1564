import { type ReactNode, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import type { Stream, Track } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { Link } from '../components/link.tsx';
import { FailureNotice, Notice } from '../components/notice.tsx';
import { OfflineReason } from '../components/state-badge.tsx';
import { codeText, reasonText } from '../i18n/failure-text.ts';
import { useWords, type Words } from '../i18n/language.ts';
import { browserSupports, codecLabel, playability } from '../player/codec-support.ts';
import { useIsAdmin, useIsOperator } from '../session.tsx';
import { DeleteCamera } from './delete-camera.tsx';
import { DoctorPanel } from './doctor-panel.tsx';
import { KeepStream } from './keep-stream.tsx';
import { originNote } from './origin-note.ts';
import { PublishCard } from './publish-card.tsx';
import { TalkButton } from './talk-button.tsx';
import { TargetsCard } from './targets-card.tsx';

/** Why nothing is recorded where nothing should be. */
const plannedReasons = ['not_scheduled', 'no_event'];

/** State, tracks and counters of a camera, and what can be done with it. */
export function StreamDetails({ stream, sub }: { stream: Stream; sub: Stream | undefined }) {
  const { t, formats } = useWords();
  // Shown as pictures, not as video.
  const isMjpeg = stream.tracks.some(({ codec }) => codec === 'mjpeg');
  return (
    <aside className="details">
      <StreamActions stream={stream} />
      {stream.reason || stream.retry_at ? (
        <Notice tone="warning">
          <OfflineReason stream={stream} />
        </Notice>
      ) : null}
      {stream.awaits_publisher ? <Notice tone="info">{t('publish.nobody')}</Notice> : null}
      <RecordingProblem stream={stream} />
      <section className="card">
        <h2>{t('details.title')}</h2>
        <dl className="facts">
          <Fact name={t('details.since')}>{formats.dateTime(Date.parse(stream.since))}</Fact>
          <Fact name={t('details.id')}>
            <code>{stream.stream_id}</code>
          </Fact>
          {stream.source_url ? (
            <Fact name={t('details.source')}>
              <code>{stream.source?.url ?? stream.source_url}</code>
              {stream.source && stream.source.index > 0 ? (
                <span className="track-text muted">
                  {t('details.fallback', { count: stream.source.index + 1, most: stream.source.count })}
                </span>
              ) : null}
            </Fact>
          ) : null}
          {stream.source?.transport ? <TransportFact transport={stream.source.transport} /> : null}
          <Fact name={t('details.recording')}>
            {recordingText(t, stream.recording)}
            {stream.recording.enabled ? (
              <span className="track-text muted">
                {t(`camera.mode.${stream.recording.mode}`)}
                {stream.recording.schedule === null ? '' : `: ${stream.recording.schedule}`}
              </span>
            ) : null}
          </Fact>
          {stream.publish_path ? (
            <Fact name={t('publish.path')}>
              <code>{stream.publish_path}</code>
            </Fact>
          ) : null}
          {stream.tracks.map((track, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: tracks have no name but their place
            <Fact key={index} name={t(`track.${track.kind}`)}>
              <TrackText track={track} />
            </Fact>
          ))}
          {sub ? (
            <Fact name={t('details.sub')}>
              {t(`stream.state.${sub.state}`)}
              {sub.tracks.map((track) => (track.kind === 'video' ? <TrackText key="video" track={track} /> : null))}
            </Fact>
          ) : null}
        </dl>
        {playability(stream.tracks, browserSupports) === 'no' && !isMjpeg ? (
          <p className="muted">{t('details.not_playable')}</p>
        ) : null}
      </section>
      <PublishCard stream={stream} />
      <TargetsCard stream={stream} />
      <DoctorPanel stream={stream} />
    </aside>
  );
}

/** Why it is not recorded though it should be; not where that is because the camera is away, which is said above. */
function RecordingProblem({ stream }: { stream: Stream }) {
  const { t } = useWords();
  const { reason, detail, state } = stream.recording;
  if (reason === null || plannedReasons.includes(reason)) return null;
  if (state !== 'error' && stream.state !== 'online') return null;
  return (
    <Notice tone="warning">
      <p className="notice-headline">
        {t('recording.problem')} {codeText(t, `gap.${reason}`, reason)}
      </p>
      {detail ? <p>{detail}</p> : null}
    </Notice>
  );
}

/** What becomes of its video now: where it is meant to rest, why; nobody waits for video then. */
function recordingText(t: Words['t'], { state, reason }: Stream['recording']): string {
  return reason !== null && plannedReasons.includes(reason)
    ? codeText(t, `gap.${reason}`, reason)
    : t(`recording.state.${state}`);
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** How its bytes come, in the words of its protocol, and why not as they should. */
function TransportFact({ transport }: { transport: NonNullable<NonNullable<Stream['source']>['transport']> }) {
  const words = useWords();
  const { name, instead_of, reason } = transport;
  const text = reason ? reasonText(words, reason) : null;
  return (
    <Fact name={words.t('details.transport')}>
      <code>{name}</code>
      {instead_of === null ? null : (
        <span className="track-text muted" title={text?.detail || undefined}>
          {[words.t('details.instead_of', { name: instead_of }), text?.headline].filter(Boolean).join(': ')}
        </span>
      )}
    </Fact>
  );
}

/** `H.264 · 1920×1080 · 25 fps` */
export function TrackText({ track }: { track: Track }) {
  const { t, formats } = useWords();
  const parts = [codecLabel(track.codec)];
  if (track.width !== undefined && track.height !== undefined) parts.push(`${track.width}×${track.height}`);
  if (track.fps !== undefined && track.fps > 0) parts.push(t('unit.fps', { value: formats.number(track.fps) }));
  if (track.sample_rate !== undefined) parts.push(t('unit.khz', { value: formats.number(track.sample_rate / 1000) }));
  return <span className="track-text">{parts.join(' · ')}</span>;
}

function StreamActions({ stream }: { stream: Stream }) {
  const { t } = useWords();
  const isAdmin = useIsAdmin();
  const [deleting, setDeleting] = useState(false);
  const id = stream.stream_id;
  const stopped = stream.state === 'stopped';
  const note = originNote(stream);
  const toggle = useChange(() => request('POST', `/streams/${id}/${stopped ? 'start' : 'stop'}`), ['streams']);
  const isOperator = useIsOperator();
  if (!isOperator) return null;
  return (
    <>
      <div className="actions">
        <RecordingSwitch stream={stream} />
        <TalkButton stream={stream} />
        {isAdmin ? (
          <Button icon={stopped ? 'play' : 'stop'} busy={toggle.isPending} onClick={() => toggle.mutate(undefined)}>
            {t(stopped ? 'stream.start' : 'stream.stop')}
          </Button>
        ) : null}
        {isAdmin && stream.origin === 'api' ? (
          <>
            <Link className="button button-plain" href={`/streams/${id}/edit`}>
              <Icon name="edit" />
              {t('stream.edit')}
            </Link>
            <Button icon="trash" tone="danger" onClick={() => setDeleting(true)}>
              {t('stream.delete')}
            </Button>
          </>
        ) : null}
      </div>
      {isAdmin && note !== null ? <p className="muted">{t(note)}</p> : null}
      {isAdmin && note === 'stream.by_publisher' ? <KeepStream stream={stream} /> : null}
      {toggle.isError ? <FailureNotice error={toggle.error} /> : null}
      {deleting ? <DeleteCamera stream={stream} onClose={() => setDeleting(false)} /> : null}
    </>
  );
}

function RecordingSwitch({ stream }: { stream: Stream }) {
  const { t } = useWords();
  const { enabled, manual } = stream.recording;
  const path = `/streams/${stream.stream_id}/recording/${enabled ? 'stop' : 'start'}`;
  const change = useChange(() => request('POST', path), ['streams']);
  const auto = useChange(() => request('POST', `/streams/${stream.stream_id}/recording/auto`), ['streams']);
  return (
    <>
      <Button icon="camera" busy={change.isPending} onClick={() => change.mutate(undefined)}>
        {t(enabled ? 'recording.stop' : 'recording.start')}
      </Button>
      {manual === null ? null : (
        <Button busy={auto.isPending} onClick={() => auto.mutate(undefined)}>
          {t('recording.auto')}
        </Button>
      )}
      {change.isError ? <FailureNotice error={change.error} /> : null}
    </>
  );
}
