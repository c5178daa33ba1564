import { useEffect, useRef } from 'react';
import { Agents } from '../agents/agents.tsx';
import { SelectField } from '../components/field.tsx';
import { Link } from '../components/link.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { isTimeZone, languagePreference, timeZonePreference, useWords } from '../i18n/language.ts';
import type { Language } from '../i18n/messages.ts';
import { languageNames } from '../i18n/translate.ts';
import { Schedules } from '../schedule/schedules.tsx';
import { useIsAdmin, useSignedIn } from '../session.tsx';
import { type ThemeChoice, themeChoices, themePreference } from '../theme/theme.ts';
import { ApiTokens } from './api-tokens.tsx';
import { Audit } from './audit.tsx';
import { brand } from './entry-frame.tsx';
import { NotFoundPage } from './not-found.tsx';
import { OwnPassword } from './own-password.tsx';
import { Sessions } from './sessions.tsx';
import { Users } from './users.tsx';

const sections = ['general', 'schedules', 'agents', 'users', 'tokens', 'sessions', 'audit'] as const;
type Section = (typeof sections)[number];

/** How the console looks and speaks; users, tokens, log-ins and the audit log for whom they are. */
export function SettingsPage({ section: wanted }: { section: string }) {
  const { t } = useWords();
  const allowed = useSections();
  const section = allowed.find((name) => name === wanted);
  const tabs = useRef<HTMLElement>(null);
  useEffect(() => {
    if (section) tabs.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [section]);
  return (
    <div className={section === 'audit' ? 'page' : 'page page-narrow'}>
      <header className="page-head">
        <PageTitle>{t('nav.settings')}</PageTitle>
      </header>
      {allowed.length > 1 ? (
        <nav className="tabs" ref={tabs} aria-label={t('settings.sections')}>
          {allowed.map((name) => (
            <Link
              key={name}
              href={name === 'general' ? '/settings' : `/settings/${name}`}
              aria-current={name === section ? 'page' : undefined}
            >
              {t(`settings.${name}`)}
            </Link>
          ))}
        </nav>
      ) : null}
      {section ? <SectionBody section={section} /> : <NotFoundPage isPart />}
    </div>
  );
}

/** Where no login is required nobody has an account. */
function useSections(): readonly Section[] {
  const isAdmin = useIsAdmin();
  const { session } = useSignedIn();
  if (session.auth === 'none') return ['general', 'schedules', 'agents', 'audit'];
  return isAdmin ? sections : ['general', 'sessions'];
}

function SectionBody({ section }: { section: Section }) {
  const { session } = useSignedIn();
  const isAdmin = useIsAdmin();
  if (section === 'schedules') return <Schedules />;
  if (section === 'agents') return <Agents />;
  if (section === 'users') return <Users />;
  if (section === 'tokens') return <ApiTokens />;
  if (section === 'sessions') return <Sessions withNames={isAdmin} />;
  if (section === 'audit') return <Audit />;
  return (
    <>
      <Appearance />
      {session.auth === 'required' ? <OwnPassword /> : null}
      <About />
    </>
  );
}

function Appearance() {
  const { t } = useWords();
  const language = languagePreference.use();
  const theme = themePreference.use();
  const timeZone = timeZonePreference.use();
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];
  return (
    <section className="card">
      <h2>{t('settings.appearance')}</h2>
      <div className="field-row">
        <SelectField
          label={t('settings.language')}
          name="language"
          value={language}
          onChange={(event) => languagePreference.set(event.target.value as Language)}
        >
          {(Object.keys(languageNames) as Language[]).map((code) => (
            <option key={code} value={code} lang={code}>
              {languageNames[code]}
            </option>
          ))}
        </SelectField>
        <SelectField
          label={t('settings.theme')}
          name="theme"
          value={theme}
          onChange={(event) => themePreference.set(event.target.value as ThemeChoice)}
        >
          {themeChoices.map((choice) => (
            <option key={choice} value={choice}>
              {t(`theme.${choice}`)}
            </option>
          ))}
        </SelectField>
      </div>
      <SelectField
        label={t('settings.time_zone')}
        name="time-zone"
        hint={t('settings.time_zone_hint')}
        value={timeZone}
        onChange={(event) => {
          if (isTimeZone(event.target.value)) timeZonePreference.set(event.target.value);
        }}
      >
        <option value="browser">{t('settings.time_zone_own', { zone: own })}</option>
        {zones.map((zone) => (
          <option key={zone} value={zone}>
            {zone.replaceAll('_', ' ')}
          </option>
        ))}
      </SelectField>
    </section>
  );
}

function About() {
  const { t, formats } = useWords();
  const { session, clockOffsetMs } = useSignedIn();
  return (
    <section className="card">
      <h2>{t('about.title')}</h2>
      <dl className="facts">
        <div>
          <dt translate="no">{brand}</dt>
          <dd>{t('about.version', { version: session.version })}</dd>
        </div>
        {session.user ? (
          <div>
            <dt>{t('about.user')}</dt>
            <dd>
              {session.user.name}, {t(`role.${session.user.role}`)}
            </dd>
          </div>
        ) : null}
        <div>
          <dt>{t('about.clock')}</dt>
          <dd>
            {Math.abs(clockOffsetMs) < 2000
              ? t('about.clock_same')
              : t('about.clock_off', { length: formats.duration(Math.abs(clockOffsetMs)) })}
          </dd>
        </div>
      </dl>
      <p>
        <Link href="/reference">{t('about.api')}</Link>
      </p>
    </section>
  );
}
