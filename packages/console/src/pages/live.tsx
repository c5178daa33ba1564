import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useStreams } from '../api/queries.ts';
import type { Stream } from '../api/types.ts';
import { Button, IconButton } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { Link } from '../components/link.tsx';
import { EmptyState, FailureNotice, Loading } from '../components/notice.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { useWords } from '../i18n/language.ts';
import { navigate, usePlace } from '../router.ts';
import { useIsAdmin } from '../session.tsx';
import { createPreference } from '../theme/preference.ts';
import { findCameras } from './find-cameras.ts';
import { type GridSize, gridSizes, layOutGrid, moveFocus } from './grid-layout.ts';
import { LiveHelp } from './live-help.tsx';
import { LiveTile } from './live-tile.tsx';

const gridPreference = createPreference<GridSize>('watchpost.grid', 'auto', (text): text is GridSize =>
  (gridSizes as readonly string[]).includes(text),
);

/** All cameras at once. */
export function LivePage() {
  const { t } = useWords();
  const query = useStreams();
  const isAdmin = useIsAdmin();
  if (query.data === undefined) {
    return query.isError ? <FailureNotice error={query.error} onRetry={() => void query.refetch()} /> : <Loading />;
  }
  const mains = query.data.filter((stream) => stream.main_stream_id === null);
  if (mains.length === 0) {
    return (
      <EmptyState isPage icon="camera" title={t('live.empty')}>
        <p>{t(isAdmin ? 'live.empty_hint' : 'live.empty_viewer')}</p>
        {isAdmin ? (
          <Link href="/add" className="button button-primary">
            <Icon name="add" />
            {t('live.add')}
          </Link>
        ) : null}
      </EmptyState>
    );
  }
  return <LiveGrid mains={mains} all={query.data} isAdmin={isAdmin} />;
}

/** From so many cameras on there is a field to find them by. */
const findFrom = 10;

function LiveGrid({ mains: cameras, all, isAdmin }: { mains: Stream[]; all: Stream[]; isAdmin: boolean }) {
  const { t } = useWords();
  const words = usePlace().query.get('find') ?? '';
  const mains = useMemo(() => findCameras(cameras, words), [cameras, words]);
  const area = useRef<HTMLDivElement>(null);
  const box = useSize(area);
  const size = gridPreference.use();
  const [page, setPage] = useState(0);
  const [focused, setFocused] = useState<string | null>(null);
  const [help, setHelp] = useState(false);
  const { large, enlarge, shrink } = useEnlarged();
  const layout = layOutGrid(size, mains.length, box);
  const pages = Math.max(1, Math.ceil(mains.length / layout.perPage));
  const shownPage = Math.min(page, pages - 1);
  const shown = mains.slice(shownPage * layout.perPage, (shownPage + 1) * layout.perPage);
  const subs = useMemo(() => new Map(all.map((stream) => [stream.stream_id, stream])), [all]);
  const enlarged = large === null ? undefined : cameras.find((stream) => stream.stream_id === large);
  const visible = enlarged ? [enlarged] : shown;
  const focusId = visible.some((stream) => stream.stream_id === focused) ? focused : visible[0]?.stream_id;
  const toFullscreen = useCallback((id: string) => void toggleFullscreen(id), []);
  useGridKeys({
    ids: visible.map((stream) => stream.stream_id),
    columns: layout.columns,
    focusId,
    enlarged: enlarged !== undefined,
    open: enlarge,
    shrink,
    nextSize: () => gridPreference.set(gridSizes[(gridSizes.indexOf(size) + 1) % gridSizes.length] ?? 'auto'),
    help: () => setHelp(true),
    turn: (by) => setPage(Math.min(Math.max(shownPage + by, 0), pages - 1)),
  });
  const style = enlarged
    ? { gridTemplateColumns: '1fr', gridTemplateRows: '1fr' }
    : {
        gridTemplateColumns: `repeat(${layout.columns}, minmax(0, 1fr))`,
        ...(layout.rows === null ? {} : { gridTemplateRows: `repeat(${layout.rows}, minmax(0, 1fr))` }),
      };
  return (
    <div className="live">
      <header className="page-head">
        <PageTitle>{t('nav.live')}</PageTitle>
        <GridSizes size={size} />
        {pages > 1 && !enlarged ? <Pager page={shownPage} pages={pages} onTurn={setPage} /> : null}
        <span className="spacer" />
        {(cameras.length >= findFrom || words !== '') && !enlarged ? <FindField words={words} /> : null}
        <IconButton icon="help" label={t('live.help')} className="desktop-only" onClick={() => setHelp(true)} />
        {isAdmin ? (
          <Link href="/add" className="button button-primary" aria-label={t('live.add')}>
            <Icon name="add" />
            <span className="desktop-only">{t('live.add')}</span>
          </Link>
        ) : null}
      </header>
      <div ref={area} className={layout.rows === null && !enlarged ? 'grid-area grid-scrolls' : 'grid-area'}>
        {visible.length === 0 ? <EmptyState icon="search" title={t('live.none_found', { words })} /> : null}
        <div className="grid" style={style} data-columns={layout.columns}>
          {visible.map((stream) => (
            <LiveTile
              key={stream.stream_id}
              stream={stream}
              sub={stream.sub_stream_id === null ? undefined : subs.get(stream.sub_stream_id)}
              large={enlarged !== undefined || layout.perPage === 1}
              enlarged={enlarged !== undefined}
              reachable={stream.stream_id === focusId}
              onOpen={enlarge}
              onClose={shrink}
              onFullscreen={toFullscreen}
              onFocus={setFocused}
            />
          ))}
        </div>
      </div>
      {help ? <LiveHelp onClose={() => setHelp(false)} /> : null}
    </div>
  );
}

/** What is typed stands in the address (`?find=WORDS`): a page of the cameras of one place can be kept as a bookmark. */
function FindField({ words }: { words: string }) {
  const { t } = useWords();
  return (
    <input
      type="search"
      className="live-find"
      aria-label={t('live.find')}
      placeholder={t('live.find')}
      defaultValue={words}
      onChange={({ target }) => navigate(gridAddress({ find: target.value }), { replace: true })}
    />
  );
}

/** The present address with another `find` or `camera`; null takes it away. */
function gridAddress(change: { readonly find?: string; readonly camera?: string | null }): string {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(change))
    if (value) query.set(name, value);
    else query.delete(name);
  return query.size === 0 ? '/' : `/?${query}`;
}

/** Which camera is shown alone. The address tells it (`?camera=ID`), so that the browser's way back leads to the grid. */
function useEnlarged() {
  const large = usePlace().query.get('camera');
  const wasOpened = useRef(false);
  const enlarge = useCallback((id: string) => {
    wasOpened.current = true;
    navigate(gridAddress({ camera: id }));
  }, []);
  const shrink = useCallback(() => {
    if (wasOpened.current) history.back();
    else navigate(gridAddress({ camera: null }), { replace: true });
    wasOpened.current = false;
  }, []);
  return { large, enlarge, shrink };
}

function GridSizes({ size }: { size: GridSize }) {
  const { t } = useWords();
  return (
    <fieldset className="segmented">
      <legend className="hidden">{t('live.grid_size')}</legend>
      {gridSizes.map((choice) => (
        <button key={choice} type="button" aria-pressed={choice === size} onClick={() => gridPreference.set(choice)}>
          {choice === 'auto' ? t('live.auto') : choice}
        </button>
      ))}
    </fieldset>
  );
}

function Pager({ page, pages, onTurn }: { page: number; pages: number; onTurn: (page: number) => void }) {
  const { t } = useWords();
  return (
    <div className="pager">
      <Button
        tone="quiet"
        icon="back"
        aria-label={t('live.page_before')}
        disabled={page === 0}
        onClick={() => onTurn(page - 1)}
      />
      <span>{t('live.page', { page: page + 1, pages })}</span>
      <Button
        tone="quiet"
        icon="forward"
        aria-label={t('live.page_after')}
        disabled={page >= pages - 1}
        onClick={() => onTurn(page + 1)}
      />
    </div>
  );
}

interface GridKeys {
  readonly ids: readonly string[];
  readonly columns: number;
  readonly focusId: string | null | undefined;
  readonly enlarged: boolean;
  open(id: string): void;
  shrink(): void;
  nextSize(): void;
  help(): void;
  turn(by: number): void;
}

function useGridKeys(keys: GridKeys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (handleGridKey(event.key, latest.current, event.target)) event.preventDefault();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
}

function handleGridKey(key: string, keys: GridKeys, target: EventTarget | null): boolean {
  const index = keys.ids.indexOf(keys.focusId ?? '');
  const onControl = target instanceof HTMLElement && target.closest('button, a, select') !== null;
  if (key.startsWith('Arrow')) {
    const next = keys.ids[moveFocus(index, key, { columns: keys.columns, count: keys.ids.length })];
    if (next !== undefined) tileElement(next)?.focus();
  } else if (key === 'Enter' && !onControl && keys.focusId && !keys.enlarged) keys.open(keys.focusId);
  else if (key === 'Escape' && keys.enlarged) keys.shrink();
  else if (key.toLowerCase() === 'f' && keys.focusId) void toggleFullscreen(keys.focusId);
  else if (key.toLowerCase() === 'g') keys.nextSize();
  else if (key === '?') keys.help();
  else if (key === '/') document.querySelector<HTMLElement>('.live-find')?.focus();
  else if (key === 'PageDown' || key === 'PageUp') keys.turn(key === 'PageDown' ? 1 : -1);
  else return false;
  return true;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, dialog') !== null;
}

function tileElement(id: string): HTMLElement | null {
  return document.querySelector(`article[data-stream="${CSS.escape(id)}"]`);
}

/** Puts a tile on the whole screen, or takes it back. iPhones allow it for the video alone. */
async function toggleFullscreen(id: string): Promise<void> {
  if (document.fullscreenElement) return document.exitFullscreen();
  const tile = tileElement(id);
  if (tile?.requestFullscreen) return tile.requestFullscreen();
  const video = tile?.querySelector('video') as (HTMLVideoElement & { webkitEnterFullscreen?: () => void }) | null;
  video?.webkitEnterFullscreen?.();
}

function useSize(element: RefObject<HTMLElement | null>): { width: number; height: number } {
  const [size, setSize] = useState({ width: 1200, height: 700 });
  useLayoutEffect(() => {
    const target = element.current;
    if (!target) return;
    const measure = () => setSize({ width: target.clientWidth, height: target.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return size;
}
