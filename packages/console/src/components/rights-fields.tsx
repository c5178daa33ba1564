import { useStreams } from '../api/queries.ts';
import type { Role } from '../api/types.ts';
import { useWords } from '../i18n/language.ts';
import type { RightsValue } from './changed-rights.ts';
import { CheckField, SelectField } from './field.tsx';

/** Roles, the mightiest first. */
export const roles: readonly Role[] = ['admin', 'operator', 'viewer'];

/** Role and cameras of a user or token. */
export function RightsFields({ value, onChange }: { value: RightsValue; onChange: (value: RightsValue) => void }) {
  const { t } = useWords();
  return (
    <>
      <SelectField
        label={t('role.label')}
        name="role"
        hint={t(`role.${value.role}.means`)}
        value={value.role}
        onChange={(event) => onChange({ ...value, role: event.target.value as Role })}
      >
        {roles.map((role) => (
          <option key={role} value={role}>
            {t(`role.${role}`)}
          </option>
        ))}
      </SelectField>
      <CameraChoice value={value.streams} onChange={(streams) => onChange({ ...value, streams })} />
    </>
  );
}

function CameraChoice({
  value,
  onChange,
}: {
  value: readonly string[] | null;
  onChange: (value: readonly string[] | null) => void;
}) {
  const { t } = useWords();
  const known = (useStreams().data ?? []).filter((stream) => stream.main_stream_id === null);
  // A camera that was removed may still be in the list; it must be seen to be taken out.
  const gone = (value ?? []).filter((id) => !known.some((stream) => stream.stream_id === id));
  const choices = [
    ...known.map(({ stream_id, title }) => ({ stream_id, title })),
    ...gone.map((id) => ({ stream_id: id, title: id })),
  ];
  return (
    <fieldset className="camera-choice">
      <legend>{t('rights.cameras')}</legend>
      <div className="segmented">
        <button type="button" aria-pressed={value === null} onClick={() => onChange(null)}>
          {t('rights.all')}
        </button>
        <button type="button" aria-pressed={value !== null} onClick={() => onChange(value ?? [])}>
          {t('rights.some')}
        </button>
      </div>
      {value === null ? null : (
        <div className="camera-list">
          {choices.map(({ stream_id, title }) => (
            <CheckField
              key={stream_id}
              label={title || stream_id}
              checked={value.includes(stream_id)}
              onChange={(event) =>
                onChange(event.target.checked ? [...value, stream_id] : value.filter((id) => id !== stream_id))
              }
            />
          ))}
        </div>
      )}
      {value?.length === 0 ? <p className="field-note">{t('rights.choose')}</p> : null}
    </fieldset>
  );
}

/** `Operator · 2 cameras` */
export function RightsText({ role, streams }: RightsValue) {
  const { t } = useWords();
  const cameras = streams === null ? t('rights.all') : t('rights.count', { count: streams.length });
  return (
    <span title={streams?.join(', ')}>
      {t(`role.${role}`)} · {cameras}
    </span>
  );
}
