import { Link } from '../components/link.tsx';
import { EmptyState } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';

/** For addresses that lead nowhere; `isPart` where a page stands around it. */
export function NotFoundPage({ isPart = false }: { isPart?: boolean }) {
  const { t } = useWords();
  return (
    <EmptyState isPage={!isPart} icon="search" title={t('not_found.title')}>
      <Link href="/" className="button button-primary">
        {t('not_found.back')}
      </Link>
    </EmptyState>
  );
}
