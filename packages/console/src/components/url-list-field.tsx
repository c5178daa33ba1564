import { useId } from 'react';
import { useWords } from '../i18n/language.ts';
import { Button, IconButton } from './button.tsx';

/** Any number of addresses, one a line, to add to, take from and, where their order counts, move up. */
export function UrlListField(props: {
  label: string;
  hint: string;
  add: string;
  values: readonly string[];
  /** So many stay. */
  least?: number;
  most: number;
  isOrdered?: boolean;
  onChange: (values: readonly string[]) => void;
}) {
  const { t } = useWords();
  const id = useId();
  const { values, onChange, least = 0 } = props;
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
            autoCapitalize="none"
            value={value}
            onChange={({ target }) => onChange(values.with(index, target.value))}
          />
          {props.isOrdered && values.length > 1 ? (
            <IconButton
              icon="up"
              label={t('url_list.up', { count: index + 1 })}
              disabled={index === 0}
              onClick={() => onChange(values.with(index, values[index - 1] ?? '').with(index - 1, value))}
            />
          ) : null}
          {values.length > least ? (
            <IconButton
              icon="trash"
              label={t('url_list.remove', { count: index + 1 })}
              onClick={() => onChange(values.filter((_, place) => place !== index))}
            />
          ) : null}
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
