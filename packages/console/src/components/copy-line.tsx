import { useRef, useState } from 'react';
import { useWords } from '../i18n/language.ts';
import { IconButton } from './button.tsx';

/** A text that people carry elsewhere, with its name and a button that copies it. */
export function CopyLine({ label, text }: { label: string; text: string }) {
  const { t } = useWords();
  const [copied, setCopied] = useState(false);
  const element = useRef<HTMLElement>(null);
  return (
    <div className="copy-line">
      <span className="copy-label">{label}</span>
      <code ref={element}>{text}</code>
      <IconButton
        icon={copied ? 'check' : 'copy'}
        label={t(copied ? 'copy.done' : 'copy.what', { name: label })}
        onClick={async () => setCopied(await copyText(text, element.current))}
      />
    </div>
  );
}

/**
 * Puts a text into the clipboard; false where the browser does not let us. Pages without TLS have no clipboard of their
 * own, so what shows the text is selected and copied as by hand.
 */
async function copyText(text: string, shown: HTMLElement | null): Promise<boolean> {
  if (isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Refused by the person or by a policy: the selection may still be copied.
    }
  }
  if (shown) getSelection()?.selectAllChildren(shown);
  return document.execCommand('copy');
}
