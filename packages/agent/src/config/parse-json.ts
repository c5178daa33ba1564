import { configError } from './reader.ts';

/** A file of JSON, with the place, `FILE:LINE`, of each key and each object of a list: `cameras[1].host`. */
export interface JsonFile {
  readonly value: unknown;
  readonly places: Map<string, string>;
}

/** The bytes as JSON. Throws `invalid_argument` (`AGENT_CONFIG_INVALID`) with line, column and cure; a key twice is wrong, too. */
export function parseJson(bytes: Uint8Array, file: string): JsonFile {
  let text = '';
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (thrown) {
    if (text === '') throw configError(`${file} is empty, or not in UTF-8`);
    const at = soundLength(text);
    const before = text.slice(0, at).split('\n');
    const place = `${file}:${before.length}:${before.at(-1)!.length + 1}`;
    throw configError(`${place}: this is not JSON — ${cureOf(text, at)}`);
  }
  return { value, places: keyPlaces(text, file) };
}

function cureOf(text: string, at: number): string {
  const found = text[at];
  if (found === undefined) return 'it ends too early: close the bracket or quote that is open';
  if ('}]'.includes(found))
    return /,\s*$/.test(text.slice(0, at)) ? 'remove the comma before this bracket' : 'no bracket of this kind is open';
  if ('/#'.includes(found)) return 'a comment is a key here: "//": "text"';
  if (text[at - 1] === '\\') return 'write each backslash twice';
  if (found === '\n') return 'close the quote on its line';
  return 'text and keys stand in double quotes, and a comma or colon between them';
}

/** Characters from the beginning that JSON can begin with: what follows them is wrong. */
function soundLength(text: string): number {
  let low = 0;
  for (let high = text.length; low < high; ) {
    const middle = Math.ceil((low + high) / 2);
    try {
      JSON.parse(text.slice(0, middle));
      low = middle;
    } catch (thrown) {
      // V8 says whether it only misses more.
      const isCut = new RegExp(`end of JSON|Untermin|position ${middle}\\b`).test(String(thrown));
      if (isCut) low = middle;
      else high = middle - 1;
    }
  }
  return low;
}

/** The text has passed the parser. */
function keyPlaces(text: string, file: string): Map<string, string> {
  const places = new Map<string, string>();
  /** `index` is -1 in objects. */
  const open: { path: string; index: number }[] = [];
  let path = '';
  let line = 1;
  for (const [token, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[[\]{},\n]/g)) {
    const around = open.at(-1);
    if (token === '{' || token === '[') {
      if (around && around.index >= 0) {
        path = `${around.path}[${around.index}]`;
        places.set(path, `${file}:${line}`);
      }
      open.push({ path, index: token === '[' ? 0 : -1 });
    } else if (token === '}' || token === ']') open.pop();
    else if (token === ',' && around!.index >= 0) around!.index++;
    else if (colon) {
      const key: string = JSON.parse(token.slice(0, -colon.length));
      path = around!.path === '' ? key : `${around!.path}.${key}`;
      if (places.has(path)) throw configError(`${file}:${line}: ${path} is there twice`);
      places.set(path, `${file}:${line}`);
    }
    line += token.split('\n').length - 1;
  }
  return places;
}
