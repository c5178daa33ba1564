import { type FormEvent, useEffect, useState } from 'react';
import { useStreams } from '../api/queries.ts';
import { Button } from '../components/button.tsx';
import { TextField } from '../components/field.tsx';
import { useWords } from '../i18n/language.ts';
import { type Parameter, requestPath } from './openapi.ts';

/** Of a longer answer only the beginning is shown, characters. */
const maxShown = 60_000;

interface Answer {
  readonly status: number;
  readonly ms: number;
  readonly type: string;
  readonly text: string;
  readonly length: number;
  /** Address of what is a picture. */
  readonly picture: string | null;
}

/** Asks a route as whoever is logged in, and shows what it answers. */
export function TryIt({ path, parameters }: { path: string; parameters: readonly Parameter[] }) {
  const { t } = useWords();
  const first = useStreams().data?.[0]?.stream_id ?? '';
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [busy, setBusy] = useState(false);
  const values: Readonly<Record<string, string>> = { id: first, ...typed };
  const address = requestPath(path, parameters, values);
  useEffect(() => () => void (answer?.picture && URL.revokeObjectURL(answer.picture)), [answer]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    void ask(address).then((next) => {
      setAnswer(next);
      setBusy(false);
    });
  };
  return (
    <form className="try" onSubmit={submit}>
      {parameters.length > 0 ? (
        <div className="field-row">
          {parameters.map(({ name, required = false }) => (
            <TextField
              key={name}
              label={name}
              required={required}
              spellCheck={false}
              value={values[name] ?? ''}
              onChange={({ target }) => setTyped({ ...typed, [name]: target.value })}
            />
          ))}
        </div>
      ) : null}
      <div className="try-line">
        <Button type="submit" icon="play" busy={busy}>
          {t('reference.try')}
        </Button>
        <code>{address}</code>
      </div>
      {answer ? <Shown answer={answer} /> : null}
    </form>
  );
}

function Shown({ answer }: { answer: Answer }) {
  const { t, formats } = useWords();
  const cut = answer.text.length > maxShown;
  return (
    <figure>
      <figcaption>
        <span className={`badge badge-level-${answer.status > 0 && answer.status < 400 ? 'info' : 'error'}`}>
          {answer.status}
        </span>{' '}
        <span className="muted">
          {[answer.type, formats.bytes(answer.length), t('unit.ms', { value: formats.number(answer.ms, 0) })]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </figcaption>
      {answer.picture ? (
        <img className="try-picture" src={answer.picture} alt="" />
      ) : (
        <pre>{cut ? answer.text.slice(0, maxShown) : answer.text}</pre>
      )}
      {cut ? <p className="muted">{t('reference.cut')}</p> : null}
    </figure>
  );
}

async function ask(address: string): Promise<Answer> {
  const began = performance.now();
  try {
    const response = await fetch(address, { headers: { accept: 'application/json, */*' }, credentials: 'same-origin' });
    const blob = await response.blob();
    const type = response.headers.get('content-type') ?? '';
    const head = { status: response.status, ms: performance.now() - began, type, length: blob.size };
    if (type.startsWith('image/')) return { ...head, text: '', picture: URL.createObjectURL(blob) };
    return { ...head, text: pretty(type, await blob.slice(0, 4 * maxShown).text()), picture: null };
  } catch (error) {
    return { status: 0, ms: performance.now() - began, type: '', text: String(error), length: 0, picture: null };
  }
}

function pretty(type: string, text: string): string {
  if (!type.includes('json')) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
