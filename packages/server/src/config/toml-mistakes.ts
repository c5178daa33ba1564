import { lineAt, mayHoldSecret, placeOf, type TextMistake } from '@watchpost/base/text/mistake.ts';
import { openBracket } from './open-bracket.ts';

/** What the parser said, where, and the line that stands there. */
interface Said {
  readonly said: string;
  readonly text: string;
  readonly line: number;
  readonly column: number;
  /** Without spaces around it. */
  readonly written: string;
}

type Told = Partial<Pick<TextMistake, 'line' | 'column'>> & Pick<TextMistake, 'text' | 'cure'>;

/** Puts what the TOML parser says into words for people who know no parsers, with the cure. */
export function explainToml(
  said: string,
  text: string,
  { line, column }: { line: number; column: number },
): TextMistake {
  const about: Said = { said, text, line, column, written: lineAt(text, line).trim() };
  const told =
    ofQuotes(about) ?? ofBrackets(about) ?? ofKeys(about) ?? ofRepetition(about) ?? ofRest(about) ?? ofValues(about);
  return { line, column, ...(told ?? { text: said }) };
}

function ofQuotes({ said, text, line, column }: Said): Told | undefined {
  const written = lineAt(text, line);
  if (/^control characters .* strings/.test(said) && column > written.length) {
    const open = openingQuote(written);
    return { column: open + 1, text: 'the quote that begins here is not closed', cure: closing(written[open] ?? '"') };
  }
  if (said === 'unfinished string') {
    const quote = written[column - 1] ?? '"';
    const fence = written.startsWith(quote.repeat(3), column - 1) ? quote.repeat(3) : quote;
    return { text: 'the quote that begins here is not closed', cure: closing(fence) };
  }
  if (/^control characters/.test(said))
    return { text: 'a character that cannot be seen stands here', cure: 'remove it; within quotes a tab is \\t' };
  if (/escape/.test(said))
    return {
      text: 'a backslash has a meaning of its own between double quotes',
      cure: `write single quotes around the text ('C:\\video'), or each backslash twice`,
    };
  if (/[“”„‘’«»]/.test(written) && /value|key|literal/.test(said))
    return {
      column: written.search(/[“”„‘’«»]/) + 1,
      text: 'these quotes are those of a word processor',
      cure: 'write plain ones: "',
    };
  return undefined;
}

function ofBrackets({ said, text, line, written }: Said): Told | undefined {
  const header = /^\[+\s*([\w.-]+)/.exec(written);
  if (said === 'expected end of table array declaration')
    return { text: 'two brackets open here and one closes', cure: `write [[${header?.[1] ?? 'NAME'}]]` };
  if (header && !/\]\s*(#.*)?$/.test(written) && /key/.test(said))
    return {
      text: 'the bracket of this section is not closed',
      cure: `write ${written.startsWith('[[') ? `[[${header[1]}]]` : `[${header[1]}]`}`,
    };
  const unopened = /^([\w.-]+)\s*(\]\]?)$/.exec(written);
  if (unopened && /key/.test(said))
    return {
      text: 'the bracket of this section is not opened',
      cure: `write ${unopened[2] === ']]' ? '[' : ''}[${unopened[1]}${unopened[2]}`,
    };
  if (!/^(expected comma|unfinished (array|table))/.test(said)) return undefined;
  const open = openBracket(text, offsetOf(text, line));
  if (!open) return { text: 'a comma is missing between two values', cure: 'write , before what stands here' };
  const last = text.trimEnd().split('\n').length;
  const where = placeOf(text, open.offset);
  const before = line > last || said.startsWith('unfinished') ? 'the end of the file' : `line ${line}`;
  return {
    ...where,
    text: `the "${text[open.offset]}" here is not closed`,
    cure: `write "${open.close}" before ${before}`,
  };
}

function ofKeys(about: Said): Told | undefined {
  const { said, written } = about;
  if (!/key/.test(said) || /declaration/.test(said)) return undefined;
  const comment = /^(\/\/|\/\*|;|--)/.exec(written);
  if (comment) return { text: `a comment does not begin with ${comment[1]}`, cure: 'write # before it' };
  if (/^[{}"]/.test(written)) return { text: 'this looks like JSON', cure: 'name the file watchpost.json' };
  const yaml = /^(?:- )?([\w-]+):(?:\s|$)/.exec(written);
  if (yaml)
    return {
      text: 'this looks like YAML',
      cure: `write ${tomlFor(about, yaml[1]!)}, or name the file watchpost.yaml`,
    };
  const spaced = /^([\w-]+(?:\s+[\w-]+)+)\s*=/.exec(written);
  if (spaced) return { text: 'a key has no spaces', cure: `write ${spaced[1]!.replaceAll(/\s+/g, '_')} = …` };
  const apart = /^([\w.-]+)\s+(\S.*)$/.exec(written);
  if (apart && !apart[2]!.includes('='))
    return { text: 'there is no = between key and value', cure: `write ${apart[1]} = ${quoted(apart[1]!, apart[2]!)}` };
  if (/^[\w.-]+$/.test(written)) return { text: 'this key has no value', cure: `write ${written} = …, or remove it` };
  if (/^=/.test(written)) return { text: 'there is no key before the =', cure: 'write one, or remove the line' };
  return {
    text: 'this is no key',
    cure: 'keys have letters a-z, digits, _ and - only; a comment begins with #, a section is [NAME]',
  };
}

/** What a line of YAML with this key is in TOML. */
function tomlFor({ text, line, written }: Said, key: string): string {
  if (/:\s*\S/.test(written)) return `${key} = …`;
  return /^\s*-/.test(lineAt(text, line + 1)) ? `[[${key}]]` : `[${key}]`;
}

function ofRepetition({ said, text, line, written }: Said): Told | undefined {
  if (!/redefine/.test(said)) return undefined;
  const lines = text.split('\n').slice(0, line - 1);
  const header = /^\[\[?([^\]]+)\]/.exec(written)?.[1]?.trim();
  if (header !== undefined) {
    const first = lines.findIndex((one) => new RegExp(`^\\s*\\[\\[?\\s*${escaped(header)}\\s*\\]`).test(one)) + 1;
    const where = first > 0 ? ` (first in line ${first})` : '';
    return {
      text: `the section [${header}] stands here for the second time${where}`,
      cure: 'put all of its keys below one',
    };
  }
  const key = /^([^=]+?)\s*=/.exec(written)?.[1] ?? written;
  const first = lines.findLastIndex((one) => new RegExp(`^\\s*${escaped(key)}\\s*=`).test(one)) + 1;
  const where = first > 0 ? ` (first in line ${first})` : '';
  return { text: `the key ${key} stands here for the second time${where}`, cure: 'keep one of them' };
}

function ofRest({ said, text, line, column }: Said): Told | undefined {
  if (!/end-of-line/.test(said)) return undefined;
  const written = lineAt(text, line);
  const rest = written.slice(column - 1).trim();
  const at = written.length - written.slice(column - 1).trimStart().length + 1;
  if (/^[;,]/.test(rest)) return { column: at, text: `a value does not end with "${rest[0]}"`, cure: 'remove it' };
  if (/^[\w.-]+\s*=/.test(rest))
    return { column: at, text: 'each key has a line of its own', cure: 'begin a new line here' };
  if (/^\/\//.test(rest)) return { column: at, text: 'a comment does not begin with //', cure: 'write # before it' };
  return { column: at, text: 'this stands after the end of the value', cure: 'remove it, or write # before a comment' };
}

function ofValues({ said, text, line, column, written }: Said): Told | undefined {
  if (!/value|literal|leading zero|underscore|date/.test(said)) return undefined;
  const assigned = /^([\w."-]+)\s*=\s*(.*)$/.exec(written);
  const key = assigned?.[1] ?? '';
  const value = (assigned?.[2] ?? lineAt(text, line).slice(column - 1)).replace(/\s+#.*$/, '').trim();
  if (value === '' || value.startsWith('#'))
    return { text: `the key ${key} has no value`, cure: 'write one after the =, or remove the line' };
  const word = /^(true|yes|on|false|no|off)$/i.exec(value)?.[1];
  if (word) return { text: `"${word}" is unknown`, cure: `write ${key} = ${/^(true|yes|on)$/i.test(word)}` };
  if (/leading zero/.test(said) && /^0\d+$/.test(value))
    return {
      text: 'a number begins with no zero',
      cure: `leave it out, or put text in quotes: ${key} = ${mayHoldSecret(key) ? '"…"' : `"${value}"`}`,
    };
  if (value.startsWith('[')) return { text: 'text stands in quotes', cure: 'write " around each text in the list' };
  if (assigned) return { text: 'text stands in quotes', cure: `write ${key} = ${quoted(key, value)}` };
  return { text: 'text stands in quotes', cure: 'write " around it' };
}

/** A value as it is to be written; what may be secret is not repeated. */
function quoted(key: string, value: string): string {
  if (mayHoldSecret(`${key} ${value}`)) return '"…"';
  if (/^(".*"|'.*'|\d+|true|false|\[.*)$/.test(value)) return value;
  return `"${value.replaceAll(/^["']|["']$/g, '')}"`;
}

function closing(fence: string): string {
  return `write ${fence} at the end of the text`;
}

/** Offset of the quote that is still open at the end of the line. */
function openingQuote(written: string): number {
  let open = -1;
  for (let at = 0; at < written.length; at++) {
    const character = written[at]!;
    if (open < 0 && character === '#') break;
    if (open < 0 && (character === '"' || character === "'")) open = at;
    else if (open >= 0 && written[open] === '"' && character === '\\') at++;
    else if (open >= 0 && character === written[open]) open = -1;
  }
  return Math.max(open, 0);
}

function offsetOf(text: string, line: number): number {
  return text.split('\n', line - 1).reduce((offset, one) => offset + one.length + 1, 0);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
