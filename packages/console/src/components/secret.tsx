import type { ReactNode } from 'react';
import { useWords } from '../i18n/language.ts';
import { Button } from './button.tsx';
import { CopyLine } from './copy-line.tsx';
import { Notice } from './notice.tsx';

/** A secret that is shown this once, to be copied; `children`: what else is shown with it. */
export function Secret(props: { label: string; text: string; onDone: () => void; children?: ReactNode }) {
  const { t } = useWords();
  return (
    <>
      <Notice tone="warning">{t('tokens.once')}</Notice>
      <CopyLine label={props.label} text={props.text} />
      {props.children}
      <div className="dialog-actions">
        <Button tone="primary" onClick={props.onDone}>
          {t('action.done')}
        </Button>
      </div>
    </>
  );
}
