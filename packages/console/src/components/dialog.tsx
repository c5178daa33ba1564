import { type ReactNode, useId, useLayoutEffect, useRef } from 'react';
import { useWords } from '../i18n/language.ts';
import { IconButton } from './button.tsx';

/** A modal window; the focus goes to the first field that must be filled in, and back to where it was. Escape and the cross close it. */
export function Dialog(props: { title: string; isWide?: boolean; onClose: () => void; children: ReactNode }) {
  const { title, onClose, children } = props;
  const { t } = useWords();
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  // Closed before it leaves the page: only then the browser gives the focus back.
  useLayoutEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) {
      dialog.showModal();
      // The browser takes the first that can have the focus, the cross: `autoFocus` was asked for before the window was open.
      dialog.querySelector<HTMLElement>('.dialog-body :is(input, select, textarea):invalid')?.focus();
    }
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
