import { createPreference } from './preference.ts';

/** How the console looks; `system` follows the browser. */
export type ThemeChoice = 'system' | 'dark' | 'light';

/** All choices, in the order in which they are offered. */
export const themeChoices: readonly ThemeChoice[] = ['system', 'dark', 'light'];

/** The person's choice. */
export const themePreference = createPreference<ThemeChoice>('watchpost.theme', 'system', (text): text is ThemeChoice =>
  (themeChoices as readonly string[]).includes(text),
);

/** Puts the choice on the document, where the style sheet reads it. */
export function applyTheme(choice: ThemeChoice): void {
  const dark = choice === 'dark' || (choice === 'system' && !matchMedia('(prefers-color-scheme: light)').matches);
  document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
  document.querySelector('meta[name=theme-color]')?.setAttribute('content', dark ? '#0d1117' : '#f6f8fa');
}
