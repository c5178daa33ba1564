import { type Language, type Message, type MessageKey, messages } from './messages.ts';

/** Values put into a message's `{name}` places. `count` also chooses the plural form. */
export type MessageValues = Readonly<Record<string, string | number>>;

/** All languages, each in its own name. */
export const languageNames: Readonly<Record<Language, string>> = { en: 'English', zh: '中文', ru: 'Русский' };

const known: Record<string, Message> = { ...messages };
const pluralRules = new Map<Language, Intl.PluralRules>();
const numberFormats = new Map<Language, Intl.NumberFormat>();

/** Makes more words known; pages bring theirs before they are drawn. */
export function addMessages(more: Readonly<Record<string, Message>>): void {
  Object.assign(known, more);
}

/** The text of a message in a language. Its key where the page that has it did not bring its words. */
export function translate(language: Language, key: MessageKey, values: MessageValues = {}): string {
  const message = known[key]?.[language] ?? key;
  const text = typeof message === 'string' ? message : choosePlural(language, message, Number(values['count'] ?? 0));
  return text.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name];
    if (value === undefined) return place;
    return typeof value === 'number' ? formatNumber(language, value) : isolated(value);
  });
}

/** Hebrew to Arabic, and the marks that turn what follows them around (UAX #9 §2). */
const turnsText = /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff]/;

/** A camera's name from right to left leaves the words around it where they are (UAX #9 §2.4). */
function isolated(value: string): string {
  return turnsText.test(value) ? `\u2068${value}\u2069` : value;
}

/** The first of the browser's languages that there is a translation for; else English. */
export function pickLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const primary = tag.toLowerCase().split('-')[0];
    if (primary === 'en' || primary === 'zh' || primary === 'ru') return primary;
  }
  return 'en';
}

/** True where there is a message for the key, for keys that are made of codes. */
export function isMessageKey(key: string): key is MessageKey {
  return Object.hasOwn(known, key);
}

function choosePlural(language: Language, forms: Readonly<Record<string, string>>, count: number): string {
  let rules = pluralRules.get(language);
  if (!rules) {
    rules = new Intl.PluralRules(language);
    pluralRules.set(language, rules);
  }
  return forms[rules.select(count)] ?? forms['other'] ?? '';
}

function formatNumber(language: Language, value: number): string {
  let format = numberFormats.get(language);
  if (!format) {
    format = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
    numberFormats.set(language, format);
  }
  return format.format(value);
}
