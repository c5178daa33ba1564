import { useState } from 'react';
import { useWords } from '../i18n/language.ts';
import { Button } from './button.tsx';
import { Notice } from './notice.tsx';

/** A secret that is shown this once, to be copied. */
export function Secret({ text, onDone }: { text: string; onDone: () => void }) {
  const { t } = useWords();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <>
      <Notice tone="warning">{t('tokens.once')}</Notice>
      <code className="secret">{text}</code>
      <div className="dialog-actions">
        {/* Browsers give pages without TLS no clipboard; the text can be selected all the same. */}
        {isSecureContext ? (
          <Button icon={copied ? 'check' : 'copy'} onClick={() => void copy()}>
            {t(copied ? 'action.copied' : 'action.copy')}
          </Button>
        ) : null}
        <Button tone="primary" onClick={onDone}>
          {t('action.done')}
        </Button>
      </div>
    </>
  );
}
