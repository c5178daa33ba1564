import type { ReactNode } from 'react';
import { languagePreference } from '../i18n/language.ts';
import type { Language } from '../i18n/messages.ts';
import { languageNames } from '../i18n/translate.ts';

/** The frame of the pages before log-in: the name, a card, the languages. */
export function EntryFrame({ title, children }: { title: string; children: ReactNode }) {
  const language = languagePreference.use();
  return (
    <main className="entry">
      <div className="entry-brand">
        <img src="/favicon.svg" alt="" width="40" height="40" />
        <span translate="no">{brand}</span>
      </div>
      <section className="card entry-card">
        <h1>{title}</h1>
        {children}
      </section>
      <nav className="entry-languages">
        {(Object.keys(languageNames) as Language[]).map((code) => (
          <button
            key={code}
            type="button"
            lang={code}
            aria-pressed={code === language}
            onClick={() => languagePreference.set(code)}
          >
            {languageNames[code]}
          </button>
        ))}
      </nav>
    </main>
  );
}

/** The product's name, the same in all languages. */
export const brand = 'Watchpost';
