import { lineAt, mayHoldSecret, placeOf, type TextMistake } from './mistake.ts';

/** What a text in JSON says, and where; or the first thing in it that is no JSON. */
export type JsonReading =
  | {
      readonly value: unknown;
      /** Lines, from 1, of keys and list elements: `cameras[2].url`. */
      readonly lines: ReadonlyMap<string, number>;
    }
  | { readonly mistake: TextMistake };

/** Deeper than any configuration. */
const maxDepth = 64;
const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordPattern = /[^\s,:{}[\]"]+/y;

/**
 * Reads JSON (RFC 8259) for people: mistakes are told in words, and a key that stands twice is one. `insteadOfComment` is
 * the cure for whoever writes a comment.
 */
export function readJsonText(text: string, insteadOfComment = 'remove it'): JsonReading {
  const scanner = new Scanner(text.replace(/^\uFEFF/, ''), insteadOfComment);
  try {
    scanner.document();
    return { value: JSON.parse(scanner.text), lines: scanner.lines };
  } catch (thrown) {
    if (thrown instanceof Stop) return { mistake: thrown.mistake };
    return { mistake: { line: 1, column: 1, text: `this is not JSON: ${(thrown as Error).message}` } };
  }
}

/** Ends the scan where the first mistake is. */
class Stop extends Error {
  readonly mistake: TextMistake;

  constructor(mistake: TextMistake) {
    super(mistake.text);
    this.mistake = mistake;
  }
}

class Scanner {
  readonly lines = new Map<string, number>();
  readonly text: string;
  readonly #insteadOfComment: string;
  #at = 0;
  #depth = 0;
  /** Offset of the comma before the next item; -1 where there is none. */
  #comma = -1;
  /** Lines are counted up to this offset. */
  #countedTo = 0;
  #line = 1;

  constructor(text: string, insteadOfComment: string) {
    this.text = text;
    this.#insteadOfComment = insteadOfComment;
  }

  document(): void {
    this.#blank();
    if (this.#at === this.text.length) this.#stop('the file is empty', 'write {}, which means the defaults');
    this.#value('');
    this.#blank();
    if (this.#at === this.text.length) return;
    if (this.text[this.#at] === '}' || this.text[this.#at] === ']')
      this.#stop(`the bracket "${this.text[this.#at]}" closes nothing`, 'remove it, or write the one that opens it');
    this.#stop(
      'the value of the whole file has ended before this',
      'write { before the first key and } after the last',
    );
  }

  #value(path: string): void {
    const first = this.text[this.#at] ?? '';
    if (first === '{') this.#nested(() => this.#object(path));
    else if (first === '[') this.#nested(() => this.#list(path));
    else if (first === '"') this.#string();
    else if (/[-0-9]/.test(first)) this.#number();
    else this.#word();
  }

  #nested(read: () => void): void {
    if (++this.#depth > maxDepth) this.#stop(`brackets stand within each other more than ${maxDepth} times deep`);
    read();
    this.#depth--;
  }

  #object(path: string): void {
    const open = this.#at++;
    const known = new Set<string>();
    for (;;) {
      this.#blank();
      if (this.#ends('}', open, known.size > 0)) return;
      const start = this.#at;
      const key = this.#key();
      if (known.has(key)) this.#stop(`the key "${key}" stands here for the second time`, 'keep one of them', start);
      known.add(key);
      this.#blank();
      const unquoted = /^([\w-]+)\s*:\s*$/.exec(key)?.[1];
      if (this.text[this.#at] !== ':' && unquoted !== undefined)
        this.#stop('the quote that begins here is not closed before the colon', `write "${unquoted}": …`, start);
      if (this.text[this.#at] !== ':')
        this.#stop(
          `a colon must stand between the key "${key}" and its value`,
          this.text[this.#at] === '=' ? `write "${key}": …` : undefined,
        );
      this.#at++;
      this.#blank();
      if (this.text[this.#at] === '}' || this.text[this.#at] === ',')
        this.#stop(`the key "${key}" has no value`, 'write one, or remove the key');
      const inner = path === '' ? key : `${path}.${key}`;
      this.#mark(inner, start);
      if (this.#at === this.text.length) this.#unclosed('}', open);
      this.#value(inner);
      this.#separator('}', open);
    }
  }

  #list(path: string): void {
    const open = this.#at++;
    for (let index = 0; ; index++) {
      this.#blank();
      if (this.#ends(']', open, index > 0)) return;
      const inner = `${path}[${index}]`;
      this.#mark(inner, this.#at);
      this.#value(inner);
      this.#separator(']', open);
    }
  }

  /** At the closing bracket; a comma before it is one too many. */
  #ends(close: string, open: number, hasItems: boolean): boolean {
    if (this.#at === this.text.length) this.#unclosed(close, open);
    if (this.text[this.#at] !== close) return false;
    if (hasItems && this.#comma >= 0)
      this.#stop(`after this comma nothing follows before "${close}"`, 'remove the comma', this.#comma);
    this.#at++;
    return true;
  }

  /** A comma, or the closing bracket, which stays. */
  #separator(close: string, open: number): void {
    const end = this.#at;
    this.#blank();
    const found = this.text[this.#at];
    this.#comma = found === ',' ? this.#at : -1;
    if (found === ',') this.#at++;
    else if (found === undefined || (found !== close && /[}\]]/.test(found))) this.#unclosed(close, open);
    else if (found !== close) {
      if (found === ';') this.#stop('a semicolon separates nothing here', 'write a comma');
      this.#stop('a comma is missing here, before what follows', 'write , between two values', end);
    }
  }

  #unclosed(close: string, open: number): never {
    const { line } = placeOf(this.text, this.#at);
    const kind = close === '}' ? 'brace' : 'bracket';
    const last = this.#at === this.text.length ? 'the end of the file' : `line ${line}`;
    this.#stop(`the ${kind} "${this.text[open]}" here is not closed`, `write "${close}" before ${last}`, open);
  }

  #key(): string {
    if (this.text[this.#at] === '"') {
      const start = this.#at;
      this.#string();
      return JSON.parse(this.text.slice(start, this.#at)) as string;
    }
    const bare = this.#bareWord();
    if (bare === '' || /^[,=]/.test(bare)) this.#stop('a key must stand here', 'write it as "key": value');
    const name = bare.replace(/[=:].*$/s, '').replaceAll(/^['“”„‘’«»]+|['“”„‘’«»]+$/g, '');
    this.#stop(quoteMistake(bare) ?? 'a key stands in double quotes', `write "${name}": …`);
  }

  #string(): void {
    const start = this.#at++;
    for (;;) {
      const character = this.text[this.#at];
      if (character === undefined || character === '\n' || character === '\r')
        this.#stop('the quote that begins here is not closed on this line', 'write " at the end of the text', start);
      if (character === '"') break;
      if (character === '\\') this.#escape();
      else if (character < ' ')
        this.#stop(
          'a tab or another character that cannot be seen stands within the quotes',
          'write \\t, or remove it',
        );
      else this.#at++;
    }
    this.#at++;
  }

  #escape(): void {
    const length = /^\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])/.exec(this.text.slice(this.#at, this.#at + 6))?.[0].length;
    if (length === undefined)
      this.#stop('a backslash has a meaning of its own within quotes', 'write it twice (\\\\), or / in names of files');
    this.#at += length;
  }

  #number(): void {
    const start = this.#at;
    const whole = this.#match(/[-+.0-9a-zA-Z_:%]+/y);
    numberPattern.lastIndex = start;
    if (numberPattern.exec(this.text)?.[0] === whole) {
      this.#at = start + whole.length;
      return;
    }
    this.#at = start;
    if (/^-?0\d+$/.test(whole)) this.#stop('a number begins with no zero', 'leave the zero out, or put text in quotes');
    this.#stop('this is not a number', `text stands in quotes: "${this.#repeated(whole)}"`);
  }

  #word(): void {
    const word = this.#bareWord();
    if (/^(true|false|null)$/.test(word)) {
      this.#at += word.length;
      return;
    }
    const lower = word.toLowerCase();
    if (/^(true|yes|on)$/.test(lower)) this.#stop(`"${word}" is unknown here`, 'write true, or "…" around text');
    if (/^(false|no|off)$/.test(lower)) this.#stop(`"${word}" is unknown here`, 'write false, or "…" around text');
    if (/^(none|nil|undefined)$/.test(lower)) this.#stop(`"${word}" is unknown here`, 'leave the key out');
    if (word === '') this.#stop('a value must stand here', 'write one, or remove what stands around it');
    if (this.#depth === 0)
      this.#stop('the file does not begin with {', 'write { before the first key and } after the last');
    const name = word.replaceAll(/['“”„‘’«»]+/g, '');
    this.#stop(quoteMistake(word) ?? 'text stands in double quotes', `write "${this.#repeated(name)}"`);
  }

  #bareWord(): string {
    return this.#match(wordPattern).slice(0, 40);
  }

  /** The word, where a message may repeat it. */
  #repeated(word: string): string {
    return mayHoldSecret(lineAt(this.text, placeOf(this.text, this.#at).line)) ? '…' : word;
  }

  /** The match here; what comes next stays what it is. */
  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.text)?.[0] ?? '';
  }

  #blank(): void {
    for (; this.#at < this.text.length; this.#at++) {
      const character = this.text[this.#at]!;
      if (character === '#' || this.text.startsWith('//', this.#at) || this.text.startsWith('/*', this.#at))
        this.#stop('JSON has no comments', this.#insteadOfComment);
      if (!/[ \t\r\n]/.test(character)) return;
    }
  }

  #mark(path: string, offset: number): void {
    for (; this.#countedTo < offset; this.#countedTo++) if (this.text[this.#countedTo] === '\n') this.#line++;
    this.lines.set(path, this.#line);
  }

  #stop(text: string, cure?: string, offset = this.#at): never {
    throw new Stop({ ...placeOf(this.text, offset), text, ...(cure !== undefined && { cure }) });
  }
}

function quoteMistake(word: string): string | undefined {
  if (word.startsWith("'")) return 'JSON knows double quotes only';
  return /[“”„‘’«»]/.test(word) ? 'these quotes are those of a word processor' : undefined;
}
