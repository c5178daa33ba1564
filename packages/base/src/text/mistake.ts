/** Something in a text file that cannot be read, in words for whoever wrote it. */
export interface TextMistake {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** What is wrong. */
  readonly text: string;
  /** What to do about it. */
  readonly cure?: string;
}

/** Columns of an excerpt, at most. */
const maxColumns = 100;
const secretPattern = /pass|secret|token|api_?key|:\/\/[^\s/]*@/i;

/** Line and column, from 1, of an offset. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: before.length - start + 1 };
}

/** The line (from 1), without what ends it; empty where there is none. */
export function lineAt(text: string, line: number): string {
  return (text.split('\n')[line - 1] ?? '').replace(/\r$/, '');
}

/** True for lines that no message repeats: a password, a token or a login in an address may stand there. */
export function mayHoldSecret(line: string): boolean {
  return secretPattern.test(line);
}

/**
 * The line with a caret below the column, cut on both sides where it is long; undefined for empty lines and those that may
 * hold a secret. Characters that a terminal would obey are replaced.
 */
export function excerptOf(text: string, { line, column }: Pick<TextMistake, 'line' | 'column'>): string | undefined {
  const written = lineAt(text, line);
  if (written.trim() === '' || mayHoldSecret(written)) return undefined;
  const indent = written.length - written.trimStart().length;
  // Spaces before the line help only where they are what is wrong.
  const first = column > indent ? indent : 0;
  const start = Math.max(first, column - Math.floor(maxColumns * 0.7));
  const shown = [...written.slice(start, start + maxColumns)].map(visible).join('');
  const caret = [...written.slice(start, column - 1)].length;
  return `  ${shown}\n  ${' '.repeat(caret)}^`;
}

function visible(character: string): string {
  if (character === '\t') return '→';
  return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(character) ? '·' : character;
}
