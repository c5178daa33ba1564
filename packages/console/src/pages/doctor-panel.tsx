import { useState } from 'react';
import { useDiagnosis } from '../api/queries.ts';
import type { Diagnosis, Finding, Stream } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { FailureNotice, Notice } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { isMessageKey } from '../i18n/translate.ts';

/** What is wrong with a camera, and what to do; asked for when somebody opens it. */
export function DoctorPanel({ stream }: { stream: Stream }) {
  const { t } = useWords();
  const [isOpen, setOpen] = useState(false);
  return (
    <section className="card doctor">
      <header className="card-head">
        <h2>{t('doctor.title')}</h2>
        <Button aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {t(isOpen ? 'doctor.hide' : 'doctor.show')}
        </Button>
      </header>
      {isOpen ? <Findings id={stream.stream_id} /> : <p className="muted">{t('doctor.lead')}</p>}
    </section>
  );
}

function Findings({ id }: { id: string }) {
  const { t, formats } = useWords();
  const { data, isError, error, refetch } = useDiagnosis(id);
  if (data === undefined)
    return isError ? (
      <FailureNotice error={error} onRetry={() => void refetch()} />
    ) : (
      <p className="muted">{t('state.loading')}</p>
    );
  // What outputs leave out stands in the details already.
  const findings = data.findings.filter((finding) => finding.id !== 'left_out');
  return (
    <>
      {findings.length === 0 ? <Notice tone="success">{t('doctor.well')}</Notice> : null}
      {findings.map((finding) => (
        <Notice key={finding.id + finding.text} tone={finding.level}>
          <FindingText finding={finding} />
        </Notice>
      ))}
      <p className="muted">
        {t('doctor.watched', { value: formats.number(Math.round(data.watched_seconds)) })}
        <Measured measured={data.measured} />
      </p>
    </>
  );
}

function FindingText({ finding }: { finding: Finding }) {
  const { t, formats } = useWords();
  const seconds = finding.id === 'clock' ? Number(finding.values['seconds']) : 0;
  const text = `doctor.${finding.id}.${seconds === 0 ? 'text' : seconds > 0 ? 'ahead' : 'behind'}`;
  const values = { ...finding.values, time: formats.duration(Math.abs(seconds) * 1000) };
  const cure = `doctor.${finding.id}.cure`;
  return (
    <>
      <p className="notice-headline">{isMessageKey(text) ? t(text, values) : finding.text}</p>
      {finding.cure === null ? null : <p>{isMessageKey(cure) ? t(cure, finding.values) : finding.cure}</p>}
    </>
  );
}

function Measured({ measured }: { measured: Diagnosis['measured'] }) {
  const { t, formats } = useWords();
  const parts = [formats.bitRate(measured.bitrate), t('unit.fps', { value: formats.number(measured.fps) })];
  if (measured.gop_seconds !== null)
    parts.push(`${t('stats.gop')}: ${t('unit.s', { value: formats.number(measured.gop_seconds.median) })}`);
  return <> {parts.join(' · ')}</>;
}
