import { useId } from 'react';
import { useWords } from '../i18n/language.ts';
import { Button, IconButton } from './button.tsx';

/** Any number of addresses, one a line, to add to and take from. */
export function UrlListField(props: {
  label: string;
  hint: string;
  add: string;
  values: readonly string[];
  most: number;
  onChange: (values: readonly string[]) => void;
}) {
  const { t } = useWords();
  const id = useId();
  const { values, onChange } = props;
  return (
    <fieldset className="field url-list" aria-describedby={`${id}-note`}>
      <legend>{props.label}</legend>
      {values.map((value, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an address has no name but its place
        <div key={index}>
          <input
            aria-label={`${props.label} ${index + 1}`}
            required
            spellCheck={false}
            value={value}
            onChange={({ target }) => onChange(values.with(index, target.value))}
          />
          <IconButton
            icon="trash"
            label={t('url_list.remove', { count: index + 1 })}
            onClick={() => onChange(values.filter((_, place) => place !== index))}
          />
        </div>
      ))}
      <p id={`${id}-note`} className="field-note">
        {props.hint}
      </p>
      {values.length < props.most ? (
        <Button icon="add" onClick={() => onChange([...values, ''])}>
          {props.add}
        </Button>
      ) : null}
    </fieldset>
  );
}
