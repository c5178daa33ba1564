import { useStreams } from '../api/queries.ts';
import { IconButton } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { Link } from '../components/link.tsx';
import { Awaited, EmptyState } from '../components/notice.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { RecordingDot, StateBadge } from '../components/state-badge.tsx';
import { useWords } from '../i18n/language.ts';
import { navigate } from '../router.ts';
import { StreamDetails } from './stream-details.tsx';
import { StreamFigures } from './stream-figures.tsx';
import { StreamViewer } from './stream-viewer.tsx';

/** One camera: live, its recordings, and what it says of itself. */
export function StreamPage({ id }: { id: string }) {
  const { t } = useWords();
  const query = useStreams();
  if (query.data === undefined) return <Awaited query={query} />;
  const stream = query.data.find((entry) => entry.stream_id === id);
  if (!stream) {
    return (
      <EmptyState isPage icon="camera" title={t('stream.missing', { id })}>
        <Link href="/" className="button button-primary">
          {t('not_found.back')}
        </Link>
      </EmptyState>
    );
  }
  const sub = query.data.find((entry) => entry.stream_id === stream.sub_stream_id);
  return (
    <div className="stream-page">
      <header className="page-head">
        <IconButton icon="back" label={t('stream.back')} onClick={() => navigate('/')} />
        <PageTitle>{stream.title}</PageTitle>
        <StateBadge stream={stream} />
        <RecordingDot recording={stream.recording} />
        <span className="spacer" />
        <Link className="button button-plain" href={`/streams/${id}/pictures`} aria-label={t('gallery.open')}>
          <Icon name="grid" />
          <span className="desktop-only">{t('gallery.open')}</span>
        </Link>
      </header>
      <div className="stream-columns">
        <StreamViewer stream={stream} sub={sub} />
        <StreamDetails stream={stream} sub={sub} />
        <StreamFigures stream={stream} />
      </div>
    </div>
  );
}
