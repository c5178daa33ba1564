import { type ComponentType, lazy, type ReactNode, Suspense, useEffect } from 'react';
import { useLiveEvents } from './api/live-events.ts';
import { Loading } from './components/notice.tsx';
import { PageBoundary } from './components/page-boundary.tsx';
import { languagePreference } from './i18n/language.ts';
import { LivePage } from './pages/live.tsx';
import { NotFoundPage } from './pages/not-found.tsx';
import { matchPath, usePlace } from './router.ts';
import { SessionGate } from './session.tsx';
import { Shell } from './shell.tsx';
import { applyTheme, themePreference } from './theme/theme.ts';

const maxLoads = 5;
const loadPauseMs = 1000;

/** A page that is loaded when somebody opens it, with its words. */
function page<Props extends object>(load: () => Promise<ComponentType<Props>>) {
  return lazy(async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        const [component] = await Promise.all([load(), import('./i18n/page-messages.ts')]);
        return { default: component };
      } catch (error) {
        if (attempt === maxLoads) throw error;
        await new Promise((resolve) => setTimeout(resolve, loadPauseMs));
      }
    }
  });
}

const StreamPage = page(async () => (await import('./pages/stream.tsx')).StreamPage);
const GalleryPage = page(async () => (await import('./pages/gallery.tsx')).GalleryPage);
const AddCameraPage = page(async () => (await import('./pages/add-camera.tsx')).AddCameraPage);
const EditCameraPage = page(async () => (await import('./pages/edit-camera.tsx')).EditCameraPage);
const EventsPage = page(async () => (await import('./pages/events.tsx')).EventsPage);
const StoragePage = page(async () => (await import('./pages/storage.tsx')).StoragePage);
const HealthPage = page(async () => (await import('./pages/health.tsx')).HealthPage);
const ReferencePage = page(async () => (await import('./reference/reference-page.tsx')).ReferencePage);
const SettingsPage = page(async () => (await import('./pages/settings.tsx')).SettingsPage);

const routes: readonly [string, (found: Record<string, string>) => ReactNode][] = [
  ['/', () => <LivePage />],
  ['/setup', () => <LivePage />],
  ['/login', () => <LivePage />],
  ['/streams/:id', ({ id = '' }) => <StreamPage key={id} id={id} />],
  ['/streams/:id/edit', ({ id = '' }) => <EditCameraPage key={id} id={id} />],
  ['/streams/:id/pictures', ({ id = '' }) => <GalleryPage key={id} id={id} />],
  ['/add', () => <AddCameraPage />],
  ['/events', () => <EventsPage />],
  ['/storage', () => <StoragePage />],
  ['/status', () => <HealthPage />],
  ['/reference', () => <ReferencePage />],
  ['/settings', () => <SettingsPage section="general" />],
  ['/settings/:section', ({ section = '' }) => <SettingsPage section={section} />],
];

function findPage(path: string): ReactNode {
  for (const [pattern, page] of routes) {
    const found = matchPath(pattern, path);
    if (found) return page(found);
  }
  return <NotFoundPage />;
}

function SignedIn() {
  const place = usePlace();
  useLiveEvents();
  return (
    <Shell path={place.path}>
      <PageBoundary key={place.path}>
        <Suspense fallback={<Loading />}>{findPage(place.path)}</Suspense>
      </PageBoundary>
    </Shell>
  );
}

/** The whole console. */
export function App() {
  const theme = themePreference.use();
  const language = languagePreference.use();
  useEffect(() => {
    applyTheme(theme);
    const query = matchMedia('(prefers-color-scheme: light)');
    const follow = () => applyTheme(theme);
    query.addEventListener('change', follow);
    return () => query.removeEventListener('change', follow);
  }, [theme]);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  return (
    <SessionGate>
      <SignedIn />
    </SessionGate>
  );
}
