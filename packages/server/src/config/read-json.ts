import { LineCounter, parseDocument } from 'yaml';
import type { ConfigDocument, ConfigSyntaxError } from './document.ts';
import { isTable } from './key-path.ts';
import { locateYamlKeys } from './read-yaml.ts';

/** Reads JSON (RFC 8259). Its positions are those of the YAML parser, because JSON is YAML; a key twice is an error. */
export function readJson(text: string): ConfigDocument | ConfigSyntaxError {
  const plain = text.replace(/^\uFEFF/, '');
  const counter = new LineCounter();
  let value: unknown;
  try {
    value = JSON.parse(plain);
  } catch (thrown) {
    return notJson(plain, (thrown as Error).message);
  }
  if (!isTable(value)) return { line: 1, text: 'there are no keys in it — write { … } around them' };
  const document = parseDocument(plain, { lineCounter: counter, prettyErrors: false, schema: 'json' });
  const twice = document.errors.find(({ code }) => code === 'DUPLICATE_KEY');
  if (twice) return { line: counter.linePos(twice.pos[0]).line, text: 'this key stands here for the second time' };
  return { value, lines: locateYamlKeys(document.contents, counter) };
}

function notJson(text: string, said: string): ConfigSyntaxError {
  const comment = text.split('\n').findIndex((line) => /^\s*(\/\/|\/\*|#)/.test(line));
  if (comment >= 0) return { line: comment + 1, text: 'JSON has no comments — remove it, or write YAML or TOML' };
  const cure = cureOf(text);
  const place = /\(line (\d+) column (\d+)\)$/.exec(said);
  if (place)
    return { line: Number(place[1]), text: `${said.replace(/ in JSON at .*$/s, '')} (column ${place[2]})${cure}` };
  // The parser names no place where the text ends too early, or a token is unknown.
  const line = /^Unexpected end/.test(said) ? text.trimEnd().split('\n').length : unknownTokenLine(text, said);
  return { line, text: `${said.replace(/, (\.\.\.)?".*$/s, '').replace(/ of JSON input$/, '')}${cure}` };
}

/** V8 quotes ten characters on either side of the token, with dots where the text goes on. */
function unknownTokenLine(text: string, said: string): number {
  const match = /^Unexpected token '(.*?)', (\.\.\.)?"(.*)"(\.\.\.)? is not valid JSON$/s.exec(said);
  if (!match) return 1;
  const [, token = '', dotsBefore, excerpt = '', dotsAfter] = match;
  const offset = dotsBefore ? 10 : dotsAfter ? excerpt.length - 10 : excerpt.indexOf(token);
  return text.slice(0, text.indexOf(excerpt) + offset).split('\n').length;
}

function cureOf(text: string): string {
  if (/,\s*[}\]]/.test(text)) return ' — no comma stands before a closing bracket';
  return '';
}
