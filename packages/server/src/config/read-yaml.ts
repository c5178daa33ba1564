import { placeOf, type TextMistake } from '@watchpost/base/text/mistake.ts';
import { isAlias, isCollection, isMap, isPair, isScalar, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import type { ConfigDocument } from './document.ts';
import { formatKeyPath, isTable, type KeyPath } from './key-path.ts';
import { explainAlias, explainNoKeys, explainYaml } from './yaml-mistakes.ts';

/** An alias may stand for so many values in all, against documents that unfold to gigabytes. */
const maxAliases = 1000;

/** Reads YAML 1.2 (core schema) with anchors, aliases and `<<`. An empty document is an empty table. */
export function readYaml(text: string): ConfigDocument | TextMistake {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, merge: true });
  // Text that begins with "!" would be taken for a type, and be empty.
  const error = document.errors[0] ?? document.warnings[0];
  if (error) return explainYaml(error, text, document);
  const alias = explainAlias(text, document);
  if (alias) return alias;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: maxAliases }) ?? {};
  } catch (thrown) {
    return { line: 1, column: 1, text: (thrown as Error).message };
  }
  if (!isTable(value)) return { ...placeOf(text, text.search(/\S/)), ...explainNoKeys(text, value) };
  return { value, lines: locateYamlKeys(document.contents, counter) };
}

/** Lines (from 1) of all keys and list elements below a node, by `formatKeyPath`. */
export function locateYamlKeys(root: ParsedNode | null, counter: LineCounter): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  const mark = (path: KeyPath, node: unknown) => {
    const start = (node as { range?: readonly number[] | null } | null)?.range?.[0];
    if (start !== undefined) lines.set(formatKeyPath(path), counter.linePos(start).line);
  };
  const walk = (node: unknown, path: KeyPath): void => {
    if (!isCollection(node) || isAlias(node)) return;
    node.items.forEach((item, i) => {
      if (isPair(item)) {
        const inner = [...path, isScalar(item.key) ? String(item.key.value) : String(item.key)];
        mark(inner, item.key);
        walk(item.value, inner);
      } else if (!isMap(node)) {
        mark([...path, i], item);
        walk(item, [...path, i]);
      }
    });
  };
  walk(root, []);
  return lines;
}
