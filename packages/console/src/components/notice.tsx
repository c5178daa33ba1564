import type { ReactNode } from 'react';
import { problemText } from '../i18n/failure-text.ts';
import { useWords } from '../i18n/language.ts';
import { Button } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';
import { PageTitle } from './page-title.tsx';

/** A framed message. */
export function Notice({ tone, children }: { tone: 'info' | 'warning' | 'error' | 'success'; children: ReactNode }) {
  const icon: IconName = tone === 'success' ? 'check' : tone === 'info' ? 'info' : 'warning';
  return (
    <div className={`notice notice-${tone}`} role={tone === 'error' ? 'alert' : 'status'}>
      <Icon name={icon} />
      <div>{children}</div>
    </div>
  );
}

/** Why a request failed, with a button to try again where that can help. */
export function FailureNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useWords();
  const { headline, detail } = problemText(t, error);
  return (
    <Notice tone="error">
      <p className="notice-headline">{headline}</p>
      {detail ? <p>{detail}</p> : null}
      {onRetry ? <Button onClick={onRetry}>{t('action.retry')}</Button> : null}
    </Notice>
  );
}

/** What is shown where there is nothing yet; `isPage` where nothing else is on the page. */
export function EmptyState(props: { icon: IconName; title: string; isPage?: boolean; children?: ReactNode }) {
  const { icon, title, isPage, children } = props;
  return (
    <div className="empty">
      <Icon name={icon} />
      {isPage ? <PageTitle>{title}</PageTitle> : <h2>{title}</h2>}
      {children}
    </div>
  );
}

/** A turning ring with its name for screen readers. */
export function Loading() {
  const { t } = useWords();
  return (
    <div className="loading" role="status">
      <span className="spinner" aria-hidden="true" />
      <span>{t('state.loading')}</span>
    </div>
  );
}

/** A whole page whose data is on its way, or does not come. */
export function Awaited({ query }: { query: { isError: boolean; error: unknown; refetch(): unknown } }) {
  if (!query.isError) return <Loading />;
  return (
    <div className="page">
      <FailureNotice error={query.error} onRetry={() => void query.refetch()} />
    </div>
  );
}
