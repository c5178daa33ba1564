import { useState } from 'react';
import { useStreams } from '../api/queries.ts';
import type { Stream } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Link } from '../components/link.tsx';
import { codeText } from '../i18n/failure-text.ts';
import { useWords } from '../i18n/language.ts';
import { AdoptDialog } from './adopt-dialog.tsx';
import { adoptedAs } from './adopted-as.ts';
import type { Agent, FoundCamera } from './agent-queries.ts';
import { PictureDialog } from './picture-dialog.tsx';

/** The cameras that an agent reports: a picture of each, and how it becomes a stream. */
export function FoundCameras({ agent }: { agent: Agent }) {
  const streams = useStreams().data ?? [];
  const [adopting, setAdopting] = useState<FoundCamera | null>(null);
  const [looking, setLooking] = useState<FoundCamera | null>(null);
  if (agent.cameras.length === 0) return null;
  return (
    <>
      <ul className="tokens found-cameras">
        {agent.cameras.map((camera) => (
          <CameraRow
            key={camera.id}
            agent={agent}
            camera={camera}
            stream={adoptedAs(agent.id, camera, streams)}
            onAdopt={() => setAdopting(camera)}
            onLook={() => setLooking(camera)}
          />
        ))}
      </ul>
      {adopting ? <AdoptDialog agent={agent} camera={adopting} onClose={() => setAdopting(null)} /> : null}
      {looking ? <PictureDialog agent={agent} camera={looking} onClose={() => setLooking(null)} /> : null}
    </>
  );
}

function CameraRow(props: {
  agent: Agent;
  camera: FoundCamera;
  stream: Stream | undefined;
  onAdopt: () => void;
  onLook: () => void;
}) {
  const { t } = useWords();
  const { camera, stream } = props;
  const name = [camera.vendor, camera.model].filter(Boolean).join(' ') || camera.id;
  const paths = camera.streams.map(({ port, path, width, height }) =>
    [`:${port}${path}`, width === undefined ? '' : `${width}×${height}`].filter(Boolean).join(' '),
  );
  return (
    <li data-camera={camera.id}>
      <div>
        <strong>
          {name} <span className="muted">{camera.host}</span>
        </strong>
        <small>
          {camera.problem
            ? codeText(t, `failure.code.${camera.problem}`, camera.problem)
            : camera.reachable
              ? paths.join(' · ')
              : t('agents.unreachable')}
        </small>
      </div>
      <div className="row-actions">
        {props.agent.state === 'connected' ? (
          <Button icon="camera" onClick={props.onLook}>
            {t('agents.picture')}
          </Button>
        ) : null}
        {stream ? (
          <Link className="button button-plain" href={`/streams/${stream.stream_id}`}>
            {t('agents.adopted')}
          </Link>
        ) : (
          <Button
            icon="add"
            disabled={camera.streams.length === 0}
            title={camera.streams.length === 0 ? t('agents.adopt_nothing') : undefined}
            onClick={props.onAdopt}
          >
            {t('agents.adopt')}
          </Button>
        )}
      </div>
    </li>
  );
}
