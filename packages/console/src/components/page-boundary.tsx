import { Component, type ReactNode } from 'react';
import { useWords } from '../i18n/language.ts';
import { Button } from './button.tsx';
import { Notice } from './notice.tsx';

/** Keeps navigation usable where a page cannot be drawn: it could not be loaded, or it broke. */
export class PageBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    return this.state.error === null ? this.props.children : <BrokenPage error={this.state.error} />;
  }
}

function BrokenPage({ error }: { error: unknown }) {
  const { t } = useWords();
  return (
    <div className="page">
      <Notice tone="error">
        <p className="notice-headline">{t('page.broken')}</p>
        <p>{String(error)}</p>
        <Button onClick={() => location.reload()}>{t('action.retry')}</Button>
      </Notice>
    </div>
  );
}
