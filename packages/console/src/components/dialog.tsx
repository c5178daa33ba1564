import { type ReactNode, useId, useLayoutEffect, useRef } from 'react';
import { useWords } from '../i18n/language.ts';
import { IconButton } from './button.tsx';

/** A modal window; Escape and the cross close it, and the focus goes back to where it was. */
export function Dialog(props: { title: string; isWide?: boolean; onClose: () => void; children: ReactNode }) {
  const { title, onClose, children } = props;
  const { t } = useWords();
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  // Closed before it leaves the page: only then the browser gives the focus back.
  useLayoutEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      className={props.isWide ? 'dialog dialog-wide' : 'dialog'}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header className="dialog-header">
        <h2 id={heading}>{title}</h2>
        <IconButton icon="close" label={t('action.close')} onClick={onClose} />
      </header>
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}
