import { useMemo } from 'react';
import { createPreference } from '../theme/preference.ts';
import { createFormats, type Formats } from './formats.ts';
import type { Language, MessageKey } from './messages.ts';
import { type MessageValues, pickLanguage, translate } from './translate.ts';

/** The person's language; the browser's until one is chosen. */
export const languagePreference = createPreference<Language>(
  'watchpost.language',
  pickLanguage(navigator.languages),
  (text): text is Language => text === 'en' || text === 'zh' || text === 'ru',
);

/** The person's time zone (IANA name); `browser` until one is chosen. */
export const timeZonePreference = createPreference<string>('watchpost.time-zone', 'browser', (text): text is string =>
  isTimeZone(text),
);

/** True for names that this browser knows, and for `browser`. */
export function isTimeZone(name: string): boolean {
  if (name === 'browser') return true;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
}

/** The time zone in which times are shown. */
export function useTimeZone(): string {
  const chosen = timeZonePreference.use();
  return chosen === 'browser' ? Intl.DateTimeFormat().resolvedOptions().timeZone : chosen;
}

/** Words and formats in the person's language. */
export interface Words {
  readonly language: Language;
  readonly timeZone: string;
  readonly formats: Formats;
  t(key: MessageKey, values?: MessageValues): string;
}

/** Words and formats in the person's language; the component is drawn again when it changes. */
export function useWords(): Words {
  const language = languagePreference.use();
  const timeZone = useTimeZone();
  return useMemo(
    () => ({
      language,
      timeZone,
      formats: createFormats(language, timeZone),
      t: (key: MessageKey, values?: MessageValues) => translate(language, key, values),
    }),
    [language, timeZone],
  );
}
