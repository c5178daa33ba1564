import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  messages as baseMessages,
  type Language,
  type Message,
  type MessageKey,
  type MessageText,
} from './messages.ts';
import { pageMessages } from './page-messages.ts';
import { pickLanguage, translate } from './translate.ts';

const messages: Readonly<Record<string, Message>> = { ...baseMessages, ...pageMessages };
const languages: readonly Language[] = ['en', 'zh', 'ru'];
const sources = join(import.meta.dirname, '..');

function forms(text: MessageText): string[] {
  return typeof text === 'string' ? [text] : Object.values(text);
}

function places(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort();
}

test('every message exists in every language with the same places', () => {
  for (const [key, message] of Object.entries(messages)) {
    const wanted = places(forms(message.en)[0] ?? '');
    for (const language of languages) {
      for (const text of forms(message[language])) {
        assert.ok(text.trim() !== '', `${key} is empty in ${language}`);
        assert.deepEqual(places(text), wanted, `${key} in ${language}`);
      }
    }
  }
});

test('plurals have every category of their language', () => {
  for (const [key, message] of Object.entries(messages)) {
    for (const language of languages) {
      const text: MessageText = message[language];
      if (typeof text === 'string') continue;
      const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
      assert.deepEqual(Object.keys(text).sort(), [...categories].sort(), `${key} in ${language}`);
    }
  }
});

const plurals: readonly [Language, number, string][] = [
  ['en', 1, '1 day'],
  ['en', 2, '2 days'],
  ['ru', 1, '1 день'],
  ['ru', 3, '3 дня'],
  ['ru', 11, '11 дней'],
  ['ru', 21, '21 день'],
  ['zh', 5, '5 天'],
];
for (const [language, count, expected] of plurals) {
  test(`${count} in ${language} is ${expected}`, () =>
    assert.equal(translate(language, 'tokens.days', { count }), expected));
}

test('the language of the browser is found among its wishes', () => {
  assert.equal(pickLanguage(['de-DE', 'ru-RU', 'en']), 'ru');
  assert.equal(pickLanguage(['zh-Hant-TW']), 'zh');
  assert.equal(pickLanguage(['fr']), 'en');
});

function sourceFiles(extension: string): [string, string][] {
  return readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension) && !name.endsWith('.test.ts'))
    .map((name) => [name, readFileSync(join(sources, name), 'utf8')]);
}

test('no component holds literal text', () => {
  for (const [name, code] of sourceFiles('.tsx')) {
    const plain = code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
    // Words between the end of one tag and the beginning of the next.
    for (const match of plain.matchAll(/(?<![=\s])>([^<>{}();=]*\p{L}{2,}[^<>{}();=]*)<\//gu)) {
      assert.fail(`${name} shows ${JSON.stringify(match[1])} to people: give it a key in messages.ts`);
    }
    for (const match of plain.matchAll(/\s(?:aria-label|title|alt|label|hint)="([^"]*\p{L}{2,}[^"]*)"/gu)) {
      assert.fail(`${name} says ${JSON.stringify(match[1])} to people: give it a key in messages.ts`);
    }
  }
});

/** What is loaded at once: all that `main.tsx` imports, and what that imports. */
function loadedAtOnce(): Map<string, string> {
  const found = new Map<string, string>();
  const waiting = [join(sources, 'main.tsx')];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    const code = readFileSync(name, 'utf8');
    found.set(name, code);
    for (const match of code.matchAll(/^import (?!type )[^;]*?from '(\.[^']+\.tsx?)';/gm))
      waiting.push(join(name, '..', match[1] ?? ''));
  }
  return found;
}

test('what every page loads says nothing whose words come later', () => {
  const files = loadedAtOnce();
  assert.ok(files.size > 20);
  for (const [name, code] of files)
    for (const key of Object.keys(pageMessages)) assert.ok(!code.includes(`'${key}'`), `${name} says ${key}`);
});

test('every message is used', () => {
  const code = [...sourceFiles('.tsx'), ...sourceFiles('.ts')]
    .filter(([name]) => !name.endsWith('messages.ts'))
    .map(([, text]) => text)
    .join('\n');
  // Keys that end in a code of the API, and those that are made of a word and a value.
  const madeOf = [...code.matchAll(/`([a-z_.]+\.)\$\{/g)].map((match) => match[1] ?? '');
  const unused = (Object.keys(messages) as MessageKey[]).filter(
    (key) => !code.includes(`'${key}'`) && !madeOf.some((start) => key.startsWith(start)),
  );
  assert.deepEqual(unused, []);
});

test('a name from right to left does not turn the words around it', () => {
  const names = ['البوابة 3', 'שער', '\u202eevil'];
  for (const name of names)
    assert.equal(translate('en', 'gallery.title', { title: name }), `\u2068${name}\u2069: pictures`, name);
  for (const name of ['Двор', '大门', 'Gate "A" 🚪'])
    assert.equal(translate('en', 'gallery.title', { title: name }), `${name}: pictures`);
});
