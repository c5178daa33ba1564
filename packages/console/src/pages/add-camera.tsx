import { type FormEvent, useState } from 'react';
import { request } from '../api/client.ts';
import { useChange, useDiscovery } from '../api/queries.ts';
import type { ProbeResult } from '../api/types.ts';
import { Button, IconButton } from '../components/button.tsx';
import { SelectField, TextField } from '../components/field.tsx';
import { Icon } from '../components/icon.tsx';
import { FailureNotice, Notice } from '../components/notice.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { reasonText } from '../i18n/failure-text.ts';
import { useWords } from '../i18n/language.ts';
import { navigate } from '../router.ts';
import { useIsAdmin } from '../session.tsx';
import { AddPublished } from './add-published.tsx';
import { probeTarget } from './probe-choice.ts';
import { SaveCamera } from './save-camera.tsx';

/** How to reach a camera, as it was typed. */
export interface CameraAccess {
  readonly address: string;
  readonly username: string;
  readonly password: string;
  readonly vendor: string;
}

/** A new camera: by address, user and password; what answers is shown before it is saved. */
export function AddCameraPage() {
  const { t } = useWords();
  const [isPublished, setIsPublished] = useState(false);
  const isAdmin = useIsAdmin();
  if (!isAdmin)
    return (
      <div className="page">
        <Notice tone="warning">{t('failure.code.ROLE_NEEDED')}</Notice>
      </div>
    );
  return (
    <div className="page">
      <header className="page-head">
        <IconButton icon="back" label={t('stream.back')} onClick={() => navigate('/')} />
        <PageTitle>{t('add.title')}</PageTitle>
      </header>
      <div className="segmented add-ways">
        <button type="button" aria-pressed={!isPublished} onClick={() => setIsPublished(false)}>
          {t('add.pulled')}
        </button>
        <button type="button" aria-pressed={isPublished} onClick={() => setIsPublished(true)}>
          {t('add.published')}
        </button>
      </div>
      {isPublished ? <AddPublished /> : <Pulled />}
    </div>
  );
}

/** A camera that we connect to. */
function Pulled() {
  const [access, setAccess] = useState<CameraAccess>({ address: '', username: '', password: '', vendor: '' });
  const { t } = useWords();
  const probe = useChange((asked: CameraAccess) =>
    request<ProbeResult>('POST', '/probe', {
      body: {
        ...probeTarget(asked.address),
        ...(asked.vendor === '' ? {} : { vendor: asked.vendor }),
        ...(asked.username === '' ? {} : { username: asked.username, password: asked.password }),
      },
    }),
  );
  const change = (part: Partial<CameraAccess>) => {
    setAccess({ ...access, ...part });
    probe.reset();
  };
  return (
    <div className="add-columns">
      <div>
        <AccessForm access={access} onChange={change} busy={probe.isPending} onProbe={() => probe.mutate(access)} />
        {probe.isPending ? <Notice tone="info">{t('add.probing')}</Notice> : null}
        {probe.isError ? <FailureNotice error={probe.error} /> : null}
        {probe.data ? <ProbeOutcome result={probe.data} access={access} /> : null}
      </div>
      <Discovered onPick={(host) => change({ address: host })} picked={access.address} />
    </div>
  );
}

function AccessForm(props: {
  access: CameraAccess;
  busy: boolean;
  onChange: (part: Partial<CameraAccess>) => void;
  onProbe: () => void;
}) {
  const { t } = useWords();
  const { access, onChange } = props;
  const vendors = useDiscovery().data?.vendors ?? [];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    props.onProbe();
  };
  const isUrl = access.address.includes('://');
  return (
    <form className="card" onSubmit={submit}>
      <TextField
        label={t('add.address')}
        hint={t('add.address_hint')}
        name="address"
        required
        autoFocus
        spellCheck={false}
        autoCapitalize="none"
        placeholder="192.168.1.64"
        value={access.address}
        onChange={(event) => onChange({ address: event.target.value })}
      />
      <div className="field-row">
        <TextField
          label={t('add.username')}
          name="camera-user"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={access.username}
          onChange={(event) => onChange({ username: event.target.value })}
        />
        <TextField
          label={t('add.password')}
          name="camera-password"
          type="password"
          autoComplete="new-password"
          value={access.password}
          onChange={(event) => onChange({ password: event.target.value })}
        />
      </div>
      {isUrl ? null : (
        <SelectField
          label={t('add.vendor')}
          name="vendor"
          hint={t('add.vendor_hint')}
          value={access.vendor}
          onChange={(event) => onChange({ vendor: event.target.value })}
        >
          <option value="">{t('add.vendor_any')}</option>
          {vendors.map((vendor) => (
            <option key={vendor.id} value={vendor.id}>
              {vendor.name}
            </option>
          ))}
        </SelectField>
      )}
      <Button tone="primary" type="submit" icon="search" busy={props.busy}>
        {t('add.probe')}
      </Button>
    </form>
  );
}

function ProbeOutcome({ result, access }: { result: ProbeResult; access: CameraAccess }) {
  const words = useWords();
  const { t } = words;
  const [anyway, setAnyway] = useState(false);
  const answered = result.candidates.some((candidate) => candidate.error === null);
  const isUrl = access.address.includes('://');
  if (answered) return <SaveCamera result={result} access={access} />;
  const reason = result.error ?? result.candidates.find((candidate) => candidate.error)?.error;
  const text = reason ? reasonText(words, reason) : { headline: t('add.nothing'), detail: t('failure.next.network') };
  // Where all known paths were tried, it is none of them that has to be checked.
  const detail = reason?.kind === 'not_found' && !isUrl ? t('failure.next.path') : text.detail;
  return (
    <>
      <Notice tone="error">
        <p className="notice-headline">{text.headline}</p>
        {detail ? <p>{detail}</p> : null}
        {isUrl && !anyway ? <Button onClick={() => setAnyway(true)}>{t('add.anyway')}</Button> : null}
      </Notice>
      {anyway ? (
        <SaveCamera
          access={access}
          result={{
            ...result,
            candidates: [{ url: access.address.trim(), vendor: null, quality: 'unknown', tracks: [], error: null }],
          }}
        />
      ) : null}
    </>
  );
}

function Discovered({ onPick, picked }: { onPick: (host: string) => void; picked: string }) {
  const { t } = useWords();
  const query = useDiscovery();
  const devices = query.data?.devices ?? [];
  return (
    <section className="card discovered">
      <header>
        <h2>{t('add.found')}</h2>
        <Button tone="quiet" busy={query.isFetching} onClick={() => void query.refetch()}>
          {t('add.search_again')}
        </Button>
      </header>
      {query.isError ? <FailureNotice error={query.error} /> : null}
      {query.data && devices.length === 0 ? <p className="muted">{t('add.found_none')}</p> : null}
      <ul>
        {devices.map((device) => (
          <li key={device.host}>
            <button type="button" aria-pressed={picked === device.host} onClick={() => onPick(device.host)}>
              <Icon name="camera" />
              <span>
                <strong>{device.name ?? device.model ?? device.host}</strong>
                <small>{[device.host, device.name ? device.model : null].filter(Boolean).join(' · ')}</small>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
