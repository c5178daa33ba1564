import { useWords } from '../i18n/language.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { FailureNotice } from './notice.tsx';

/** Asks before something that interrupts or cannot be undone. */
export function ConfirmDialog(props: {
  title: string;
  /** What it does to those who watch. */
  text: string;
  action: string;
  busy: boolean;
  error: unknown;
  onConfirm: () => void;
  onClose: () => void;
}) {
  const { t } = useWords();
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <p>{props.text}</p>
      {props.error ? <FailureNotice error={props.error} /> : null}
      <div className="dialog-actions">
        <Button onClick={props.onClose}>{t('action.cancel')}</Button>
        <Button tone="danger" busy={props.busy} onClick={props.onConfirm}>
          {props.action}
        </Button>
      </div>
    </Dialog>
  );
}
