import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange } from '../api/queries.ts';
import type { Schedule } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { SelectField, TextField } from '../components/field.tsx';
import { FailureNotice, Loading, Notice } from '../components/notice.tsx';
import { StreamLink } from '../components/record-pages.tsx';
import { useTimeZone, useWords } from '../i18n/language.ts';
import { emptyWeek, isSameWeek, type Mode, paint, rangesOf, type Week, weekOf } from './week.ts';
import { WeekGrid } from './week-grid.tsx';

async function fetchSchedules(): Promise<Schedule[]> {
  return (await request<{ schedules: Schedule[] }>('GET', '/schedules')).schedules;
}

/** All schedules. */
export function useSchedules() {
  return useQuery({
    queryKey: ['schedules'],
    queryFn: fetchSchedules,
  });
}

/** Weeks that cameras are recorded by: to look at, paint, add and delete. */
export function Schedules() {
  const { t } = useWords();
  const query = useSchedules();
  const [open, setOpen] = useState<string | null>(null);
  if (query.isError) return <FailureNotice error={query.error} onRetry={() => void query.refetch()} />;
  if (!query.data) return <Loading />;
  return (
    <>
      <header className="card-head">
        <p className="muted">{t('schedule.lead')}</p>
        <Button icon="add" onClick={() => setOpen('')}>
          {t('schedule.add')}
        </Button>
      </header>
      {open === '' ? <ScheduleForm onDone={() => setOpen(null)} taken={query.data} /> : null}
      {query.data.length === 0 && open === null ? <Notice tone="info">{t('schedule.none')}</Notice> : null}
      {query.data.map((schedule) =>
        open === schedule.name ? (
          <ScheduleForm key={schedule.name} schedule={schedule} taken={[]} onDone={() => setOpen(null)} />
        ) : (
          <ScheduleCard key={schedule.name} schedule={schedule} onEdit={() => setOpen(schedule.name)} />
        ),
      )}
    </>
  );
}

function ScheduleCard({ schedule, onEdit }: { schedule: Schedule; onEdit: () => void }) {
  const { t } = useWords();
  const remove = useChange(
    () => request('DELETE', `/schedules/${encodeURIComponent(schedule.name)}`),
    ['schedules', 'streams'],
  );
  return (
    <section className="card schedule">
      <header className="card-head">
        <h2>{schedule.name}</h2>
        {schedule.origin === 'file' ? null : (
          <span className="row-actions">
            <Button icon="edit" onClick={onEdit}>
              {t('stream.edit')}
            </Button>
            {schedule.streams.length === 0 ? (
              <Button icon="trash" tone="danger" busy={remove.isPending} onClick={() => remove.mutate(undefined)}>
                {t('stream.delete')}
              </Button>
            ) : null}
          </span>
        )}
      </header>
      <WeekGrid week={weekOf(schedule.ranges)} />
      <p className="muted">
        {schedule.time_zone ?? t('schedule.zone_server')}
        {' · '}
        {schedule.streams.length === 0 ? t('schedule.unused') : `${t('schedule.used')} `}
        {schedule.streams.map((id, index) => (
          <span key={id}>
            {index > 0 ? ', ' : ''}
            <StreamLink id={id} />
          </span>
        ))}
      </p>
      {schedule.origin === 'file' ? <p className="muted">{t('schedule.in_file')}</p> : null}
      {remove.isError ? <FailureNotice error={remove.error} /> : null}
    </section>
  );
}

const modes: readonly Mode[] = ['continuous', 'events', 'off'];

function ScheduleForm(props: { schedule?: Schedule; taken: readonly Schedule[]; onDone: () => void }) {
  const { t } = useWords();
  const { schedule } = props;
  const ownZone = useTimeZone();
  const [name, setName] = useState(schedule?.name ?? '');
  const [zone, setZone] = useState(schedule ? (schedule.time_zone ?? '') : ownZone);
  const [week, setWeek] = useState<Week>(() =>
    schedule ? weekOf(schedule.ranges) : paint(emptyWeek, { days: [0, 4], from: 8 * 60, to: 18 * 60 }, 'continuous'),
  );
  const [brush, setBrush] = useState<Mode>('continuous');
  const ranges = rangesOf(week);
  // What the form was made from: what somebody else saved meanwhile is not overwritten unasked.
  const [opened, setOpened] = useState(schedule);
  const [isChanged, setChanged] = useState(false);
  const save = useChange(async () => {
    const present = (await fetchSchedules()).find((known) => known.name === name);
    const isOther = !isSameWeek(present, opened);
    setChanged(isOther);
    setOpened(present);
    if (isOther) return false;
    await request('PUT', `/schedules/${encodeURIComponent(name)}`, {
      body: { ranges, ...(zone === '' ? {} : { time_zone: zone }) },
    });
    return true;
  }, ['schedules', 'streams']);
  const isTaken = props.taken.some((known) => known.name === name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isTaken) save.mutate(undefined, { onSuccess: (isSaved) => isSaved && props.onDone() });
  };
  return (
    <form className="card schedule" onSubmit={submit}>
      <div className="field-row">
        {schedule ? (
          <h2>{schedule.name}</h2>
        ) : (
          <TextField
            label={t('schedule.name')}
            name="schedule-name"
            hint={t('schedule.name_hint')}
            error={isTaken ? t('schedule.taken') : null}
            required
            pattern="[a-z0-9][a-z0-9_\-]{0,63}"
            value={name}
            onChange={({ target }) => setName(target.value)}
          />
        )}
        <ZoneField zone={zone} onZone={setZone} />
      </div>
      <fieldset className="segmented brushes">
        <legend className="hidden">{t('schedule.brush')}</legend>
        {modes.map((mode) => (
          <button
            key={mode}
            type="button"
            aria-pressed={mode === brush}
            data-mode={mode}
            onClick={() => setBrush(mode)}
          >
            {t(`schedule.${mode}`)}
          </button>
        ))}
      </fieldset>
      <WeekGrid week={week} brush={brush} onChange={setWeek} />
      <p className="muted">{t('schedule.grid_hint')}</p>
      {ranges.length > 64 ? <Notice tone="warning">{t('schedule.too_many')}</Notice> : null}
      {isChanged ? <Notice tone="warning">{t('schedule.changed_meanwhile')}</Notice> : null}
      {save.isError ? <FailureNotice error={save.error} /> : null}
      <div className="dialog-actions">
        <Button onClick={props.onDone}>{t('action.cancel')}</Button>
        <Button tone="primary" type="submit" icon="check" disabled={ranges.length > 64} busy={save.isPending}>
          {t('action.save')}
        </Button>
      </div>
    </form>
  );
}

function ZoneField({ zone, onZone }: { zone: string; onZone: (zone: string) => void }) {
  const { t } = useWords();
  const known = new Set(['UTC', ...Intl.supportedValuesOf('timeZone'), ...(zone === '' ? [] : [zone])]);
  return (
    <SelectField label={t('settings.time_zone')} value={zone} onChange={({ target }) => onZone(target.value)}>
      <option value="">{t('schedule.zone_server')}</option>
      {[...known].map((name) => (
        <option key={name} value={name}>
          {name.replaceAll('_', ' ')}
        </option>
      ))}
    </SelectField>
  );
}
