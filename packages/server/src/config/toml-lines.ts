import { formatKeyPath, type KeyPath } from './key-path.ts';

/**
 * Lines (from 1) of all keys, tables and array elements of a TOML document, by `formatKeyPath`. The parser keeps no
 * positions of values, so this walks the text a second time; the text has passed the parser (TOML 1.0).
 */
export function locateTomlKeys(text: string): ReadonlyMap<string, number> {
  const scanner = new Scanner(text);
  scanner.document();
  return scanner.lines;
}

class Scanner {
  readonly lines = new Map<string, number>();
  /** Elements so far of each array of tables. */
  readonly #counts = new Map<string, number>();
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    let table: KeyPath = [];
    for (this.#skipBlank(); this.#at < this.#text.length; this.#skipBlank()) {
      if (this.#text[this.#at] === '[') table = this.#header();
      else this.#keyAndValue(table);
    }
  }

  #header(): KeyPath {
    const isArray = this.#text.startsWith('[[', this.#at);
    this.#skip(isArray ? 2 : 1);
    const names = this.#key();
    this.#skip(isArray ? 2 : 1);
    const path: (string | number)[] = [];
    for (const [i, name] of names.entries()) {
      path.push(name);
      const count = this.#counts.get(formatKeyPath(path));
      if (i === names.length - 1 && isArray) {
        this.#mark(path);
        this.#counts.set(formatKeyPath(path), (count ?? 0) + 1);
        path.push(count ?? 0);
      } else {
        this.#mark(path);
        if (count !== undefined) path.push(count - 1);
      }
    }
    this.#mark(path);
    return path;
  }

  #keyAndValue(table: KeyPath): void {
    const path: (string | number)[] = [...table];
    for (const name of this.#key()) {
      path.push(name);
      this.#mark(path);
    }
    this.#skip(1); // the equals sign
    this.#value(path);
  }

  /** A dotted key, up to the `=` or `]` after it. */
  #key(): string[] {
    const names: string[] = [];
    for (;;) {
      this.#skipSpace();
      const quote = this.#text[this.#at];
      const start = this.#at;
      if (quote === '"' || quote === "'") {
        this.#string();
        names.push(this.#text.slice(start + 1, this.#at - 1));
      } else {
        while (/[A-Za-z0-9_-]/.test(this.#text[this.#at] ?? '')) this.#at++;
        names.push(this.#text.slice(start, this.#at));
      }
      this.#skipSpace();
      if (this.#text[this.#at] !== '.') return names;
      this.#at++;
    }
  }

  #value(path: KeyPath): void {
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === '"' || first === "'") this.#string();
    else if (first === '[') this.#array(path);
    else if (first === '{') this.#inlineTable(path);
    else while (this.#at < this.#text.length && !/[,\]}#\n]/.test(this.#text[this.#at]!)) this.#at++;
  }

  #array(path: KeyPath): void {
    this.#skip(1);
    for (let index = 0; ; index++) {
      this.#skipBlank();
      if (this.#endOf(']')) return;
      this.#mark([...path, index]);
      this.#value([...path, index]);
      this.#skipBlank();
      if (this.#text[this.#at] === ',') this.#skip(1);
    }
  }

  #inlineTable(path: KeyPath): void {
    this.#skip(1);
    for (;;) {
      this.#skipBlank();
      if (this.#endOf('}')) return;
      this.#keyAndValue(path);
      this.#skipBlank();
      if (this.#text[this.#at] === ',') this.#skip(1);
    }
  }

  #endOf(bracket: string): boolean {
    if (this.#at < this.#text.length && this.#text[this.#at] !== bracket) return false;
    this.#skip(1);
    return true;
  }

  #string(): void {
    const quote = this.#text[this.#at]!;
    const fence = this.#text.startsWith(quote.repeat(3), this.#at) ? quote.repeat(3) : quote;
    this.#skip(fence.length);
    while (this.#at < this.#text.length && !this.#text.startsWith(fence, this.#at)) {
      this.#skip(quote === '"' && this.#text[this.#at] === '\\' ? 2 : 1);
    }
    this.#skip(fence.length);
    // A multi-line string may end in one or two quotes of its own (TOML 1.0, "String").
    while (fence.length === 3 && this.#text[this.#at] === quote) this.#skip(1);
  }

  #skip(count: number): void {
    for (let i = 0; i < count; i++) if (this.#text[this.#at++] === '\n') this.#line++;
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++;
  }

  #skipBlank(): void {
    for (; this.#at < this.#text.length; this.#skip(1)) {
      if (this.#text[this.#at] === '#')
        while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') this.#at++;
      if (!/\s/.test(this.#text[this.#at] ?? '\n')) return;
    }
  }

  #mark(path: KeyPath): void {
    const key = formatKeyPath(path);
    if (!this.lines.has(key)) this.lines.set(key, this.#line);
  }
}
