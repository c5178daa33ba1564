import type { Stream } from '../api/types.ts';
import { SelectField, TextField } from '../components/field.tsx';
import { Notice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { useSchedules } from '../schedule/schedules.tsx';
import { type RecordingEdit, recordingModes } from './recording-edit.ts';

/** When a camera is recorded, and how long that is kept. */
export function RecordingFields({
  value,
  manual,
  onChange,
}: {
  value: RecordingEdit;
  manual: Stream['recording']['manual'];
  onChange: (part: Partial<RecordingEdit>) => void;
}) {
  const { t } = useWords();
  const number = (
    name: 'preRoll' | 'postRoll' | 'retentionDays' | 'maxGib',
    options: { max: number; step?: string },
  ) => ({
    type: 'number',
    min: name === 'preRoll' || name === 'postRoll' ? 0 : 0.1,
    step: 'any',
    ...options,
    value: value[name],
    hint: t('camera.as_configured'),
    onChange: (event: { target: { value: string } }) => onChange({ [name]: event.target.value }),
  });
  const withEvents = value.mode === 'events' || value.mode === 'schedule';
  return (
    <>
      <div className="field-row">
        <SelectField
          label={t('camera.mode')}
          name="mode"
          value={value.mode}
          onChange={({ target }) => onChange({ mode: target.value as RecordingEdit['mode'] })}
        >
          {recordingModes.map((mode) => (
            <option key={mode} value={mode}>
              {t(`camera.mode.${mode}`)}
            </option>
          ))}
        </SelectField>
        {value.mode === 'schedule' ? (
          <ScheduleChoice value={value.schedule} onChoose={(schedule) => onChange({ schedule })} />
        ) : null}
      </div>
      {manual === null ? null : <Notice tone="info">{t('camera.mode.manual')}</Notice>}
      {withEvents ? (
        <div className="field-row">
          <TextField label={t('camera.pre_roll')} {...number('preRoll', { max: 60 })} />
          <TextField label={t('camera.post_roll')} {...number('postRoll', { max: 3600 })} />
        </div>
      ) : null}
      {value.mode === 'off' ? null : (
        <div className="field-row">
          <TextField label={t('camera.retention_days')} {...number('retentionDays', { max: 3650 })} />
          <TextField label={t('camera.max_gib')} {...number('maxGib', { max: 1_000_000 })} />
        </div>
      )}
    </>
  );
}

function ScheduleChoice({ value, onChoose }: { value: string; onChoose: (name: string) => void }) {
  const { t } = useWords();
  const known = useSchedules().data ?? [];
  return (
    <SelectField
      label={t('camera.schedule')}
      name="schedule"
      required
      value={value}
      hint={known.length === 0 ? t('camera.schedule_none') : undefined}
      onChange={({ target }) => onChoose(target.value)}
    >
      <option value="" />
      {known.map(({ name }) => (
        <option key={name}>{name}</option>
      ))}
    </SelectField>
  );
}
