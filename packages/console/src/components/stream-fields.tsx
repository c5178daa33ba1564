import { useWords } from '../i18n/language.ts';
import { TextField } from './field.tsx';

interface NameFieldsProps {
  readonly title: string;
  readonly id: string;
  readonly idError: string | null;
  readonly autoFocus?: boolean;
  readonly onTitle: (title: string) => void;
  readonly onId: (id: string) => void;
}

/** Name and id of a stream that is added. */
export function StreamNameFields({ title, id, idError, autoFocus = false, onTitle, onId }: NameFieldsProps) {
  const { t } = useWords();
  return (
    <div className="field-row">
      <TextField
        label={t('camera.title')}
        name="title"
        hint={t('camera.title_hint')}
        maxLength={200}
        autoFocus={autoFocus}
        value={title}
        onChange={({ target }) => onTitle(target.value)}
      />
      <TextField
        label={t('camera.id')}
        name="stream-id"
        hint={t('camera.id_hint')}
        error={idError}
        spellCheck={false}
        autoCapitalize="none"
        value={id}
        onChange={({ target }) => onId(target.value)}
      />
    </div>
  );
}

/** Where publishers send a stream: `APP/STREAM`. */
export function PublishPathField({ value, onChange }: { value: string; onChange: (path: string) => void }) {
  const { t } = useWords();
  return (
    <TextField
      label={t('publish.path')}
      hint={t('publish.path_hint')}
      name="publish-path"
      spellCheck={false}
      autoCapitalize="none"
      maxLength={401}
      value={value}
      onChange={({ target }) => onChange(target.value)}
    />
  );
}
