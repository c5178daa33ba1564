import { lineAt, mayHoldSecret, placeOf, type TextMistake } from '@watchpost/base/text/mistake.ts';
import { type Document, isAlias, isCollection, isScalar, type ParsedNode, visit, type YAMLError } from 'yaml';

type Told = { readonly offset?: number; readonly text: string; readonly cure?: string };

interface Said {
  readonly text: string;
  readonly document: Document.Parsed<ParsedNode>;
  readonly code: string;
  readonly said: string;
  readonly offset: number;
  /** The line there, without spaces around it. */
  readonly written: string;
}

/** Puts what the YAML parser says into words for people who know no parsers, with the cure. */
export function explainYaml(
  { code, message, pos }: Pick<YAMLError, 'code' | 'message' | 'pos'>,
  text: string,
  document: Document.Parsed<ParsedNode>,
): TextMistake {
  const offset = pos[0];
  const { line } = placeOf(text, offset);
  const about: Said = { text, document, code, said: message, offset, written: lineAt(text, line).trim() };
  const told = ofOtherFormats(about) ?? ofText(about) ?? ofBrackets(about) ?? ofLayout(about) ?? { text: message };
  const { offset: at = offset, ...words } = told;
  return { ...placeOf(text, at), ...words };
}

/** The alias that names nothing, told as a mistake; undefined where there is none. */
export function explainAlias(text: string, document: Document.Parsed<ParsedNode>): TextMistake | undefined {
  const anchors = new Set<string>();
  let found: TextMistake | undefined;
  visit(document, {
    Node: (_key, node) => {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.add(node.anchor);
        return undefined;
      }
      if (anchors.has(node.source)) return undefined;
      const place = placeOf(text, node.range?.[0] ?? 0);
      const name = mayHoldSecret(lineAt(text, place.line)) ? '…' : node.source;
      found = {
        ...place,
        text: `*${name} repeats what is marked &${name} above, and nothing is`,
        cure: `text that begins with * stands in quotes: "*${name}"`,
      };
      return visit.BREAK;
    },
  });
  return found;
}

/** What text that holds no keys at all was meant to be. */
export function explainNoKeys(text: string, value: unknown): Pick<TextMistake, 'text' | 'cure'> {
  const start = text.trimStart();
  if (/^\[\[?[a-z_.]+\]|^[a-z_]+\s*=/.test(start))
    return { text: 'this looks like TOML', cure: 'name the file watchpost.toml' };
  if (Array.isArray(value))
    return { text: 'the file is a list, and must be keys with values', cure: 'remove the "- " before the keys' };
  const stuck = /^([\w-]+):\S/.exec(start);
  if (stuck) return { text: 'there is no space after the colon', cure: `write "${stuck[1]}: …"` };
  return { text: 'there are no keys in it', cure: 'write each as "key: value", such as "data_dir: ./data"' };
}

function ofOtherFormats({ text, code, written }: Said): Told | undefined {
  if (code === 'TAB_AS_INDENT') return undefined;
  if (/^\s*\[\[?[a-z_.]+\]\s*$/m.test(text) || /^[a-z_]+\s*=\s/.test(written))
    return { text: 'this looks like TOML', cure: 'name the file watchpost.toml' };
  return undefined;
}

function ofText({ text, document, code, said, offset, written }: Said): Told | undefined {
  if (/Missing closing .quote/.test(said)) {
    const open = openString(document, offset) ?? offset;
    return {
      offset: open,
      text: 'the quote that begins here is not closed',
      cure: `write ${text[open]} at the end of the text`,
    };
  }
  const key = /^(?:- )?([\w-]+):/.exec(written)?.[1];
  if (code === 'BAD_SCALAR_START' || code === 'TAG_RESOLVE_FAILED' || code === 'BAD_ALIAS')
    return {
      text: `text that begins with "${text[offset]}" stands in quotes`,
      cure: `write ${key ?? 'KEY'}: "${text[offset]}…"`,
    };
  if (code === 'BAD_DQ_ESCAPE')
    return {
      text: 'a backslash has a meaning of its own between double quotes',
      cure: `write single quotes around the text ('C:\\video'), or each backslash twice`,
    };
  if (/^Unexpected \S*scalar\S* at node end/.test(said))
    return { text: 'this stands after the end of the value', cure: 'put the whole value in quotes, or remove this' };
  if (/^Nested mappings are not allowed/.test(said))
    return {
      text: 'a colon with a space after it begins a value of its own',
      cure: 'put the text in quotes: title: "Gate: main"',
    };
  return undefined;
}

function ofBrackets({ text, document, said, offset }: Said): Told | undefined {
  const missing = /end with a ([\]}])/.exec(said)?.[1] ?? /^Expected .* to end with ([\]}])/.exec(said)?.[1];
  if (missing !== undefined) {
    const open = openCollection(document, { text, before: offset, opening: missing === ']' ? '[' : '{' }) ?? offset;
    const { line } = placeOf(text, offset);
    const before = line >= text.trimEnd().split('\n').length && open !== offset ? '' : ` before line ${line}`;
    return { offset: open, text: `the "${text[open]}" here is not closed`, cure: `write "${missing}"${before}` };
  }
  if (/^Missing , (or : )?between/.test(said)) return { text: 'a comma is missing before this', cure: 'write ,' };
  return undefined;
}

function ofLayout({ text, code, said, offset, written }: Said): Told | undefined {
  const { line } = placeOf(text, offset);
  if (code === 'TAB_AS_INDENT')
    return {
      text: 'a tab stands at the beginning of the line, and YAML is indented with spaces',
      cure: 'write spaces in its place',
    };
  if (code === 'DUPLICATE_KEY') {
    const key =
      /^(?:- )?("[^"]*"|'[^']*'|[^:]+):/.exec(lineAt(text, line).slice(placeOf(text, offset).column - 1))?.[1] ?? '';
    return { text: `the key ${key} stands here for the second time`, cure: 'keep one of them' };
  }
  if (code === 'MULTIPLE_DOCS')
    return { text: 'a second document begins here', cure: 'remove the line ---, and what follows if it is not meant' };
  const stuck = /^(?:- )?([\w-]+):[^\s/]/.exec(written);
  if (stuck && /Implicit|KEY/.test(said + code))
    return { text: 'there is no space after the colon', cure: `write "${stuck[1]}: …"` };
  if (/^Implicit (map )?keys/.test(said))
    return {
      text: 'this is no key with a value',
      cure: `write a colon after the key: "${/^[\w-]+/.exec(written)?.[0] ?? 'key'}:"`,
    };
  if (code === 'BAD_INDENT' || /^Sequence item without|^A block sequence may not/.test(said))
    return {
      offset: offset + (/^\s*/.exec(text.slice(offset))?.[0].length ?? 0),
      text: 'this line is indented otherwise than those it belongs to',
      cure: 'begin it in the same column as the keys beside it',
    };
  return undefined;
}

/** Where the quote opens whose end is missing before `end`. */
function openString(document: Document.Parsed<ParsedNode>, end: number): number | undefined {
  let found: number | undefined;
  visit(document, {
    Scalar: (_key, node) => {
      const range = node.range;
      if (isScalar(node) && /^QUOTE/.test(node.type ?? '') && range && range[0] <= end && range[1] >= end)
        found = range[0];
    },
  });
  return found;
}

/** Where the innermost bracket opens that is not closed before an offset. */
function openCollection(
  document: Document.Parsed<ParsedNode>,
  { text, before, opening }: { text: string; before: number; opening: string },
): number | undefined {
  let found: number | undefined;
  visit(document, {
    Collection: (_key, node) => {
      if (!isCollection(node) || !node.flow || !node.range) return;
      const [start, end] = node.range;
      if (start < before && text[start] === opening && end >= before - 1) found = start;
    },
  });
  return found;
}
