import type { ReactNode } from 'react';
import { request } from './api/client.ts';
import { useChange } from './api/queries.ts';
import { useServerAnswers } from './api/reach.ts';
import { IconButton } from './components/button.tsx';
import { Icon, type IconName } from './components/icon.tsx';
import { Link } from './components/link.tsx';
import { Notice } from './components/notice.tsx';
import { useWords } from './i18n/language.ts';
import type { MessageKey } from './i18n/messages.ts';
import { brand } from './pages/entry-frame.tsx';
import { useSignedIn } from './session.tsx';

const places: readonly { href: string; icon: IconName; label: MessageKey }[] = [
  { href: '/', icon: 'grid', label: 'nav.live' },
  { href: '/events', icon: 'events', label: 'nav.events' },
  { href: '/storage', icon: 'storage', label: 'nav.storage' },
  { href: '/status', icon: 'timeline', label: 'nav.health' },
  { href: '/settings', icon: 'settings', label: 'nav.settings' },
];

/** Navigation around every page: at the left on wide screens, at the bottom on phones. */
export function Shell({ path, children }: { path: string; children: ReactNode }) {
  const { t } = useWords();
  const { session } = useSignedIn();
  const answers = useServerAnswers();
  const logOut = useChange(() => request('POST', '/logout'), ['session']);
  const isHere = (href: string) =>
    href === '/'
      ? path === '/' || path.startsWith('/streams')
      : path.startsWith(href) || (href === '/settings' && path === '/reference');
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t('nav.skip')}
      </a>
      <nav className="nav" aria-label={t('nav.label')}>
        <Link href="/" className="nav-brand">
          <img src="/favicon.svg" alt="" width="28" height="28" />
          <span translate="no">{brand}</span>
        </Link>
        {places.map(({ href, icon, label }) => (
          <Link key={href} href={href} className="nav-item" aria-current={isHere(href) ? 'page' : undefined}>
            <Icon name={icon} />
            <span>{t(label)}</span>
          </Link>
        ))}
        {session.user ? (
          <div className="nav-user">
            <span className="nav-user-name" title={t(`role.${session.user.role}`)}>
              {session.user.name}
            </span>
            {session.auth === 'none' ? null : (
              <IconButton icon="logout" label={t('nav.log_out')} onClick={() => logOut.mutate(undefined)} />
            )}
          </div>
        ) : null}
      </nav>
      <main id="content" className="content" tabIndex={-1}>
        {answers ? null : (
          <div className="unreached">
            <Notice tone="warning">{t('failure.code.OFFLINE')}</Notice>
          </div>
        )}
        {children}
      </main>
    </div>
  );
}
