import { WatchpostError } from '@watchpost/base/errors.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });
const encoder = new TextEncoder();

/** An object of JSON that nobody has checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Text as UTF-8. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** An object as JSON in UTF-8. */
export function writeJson(value: object): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** Reads one JSON object; anything else is `malformed` (`TUNNEL_MESSAGE`). The caller bounds the length. */
export function parseJsonObject(bytes: Uint8Array): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw wrong('it is not JSON', cause);
  }
  return asObject(value, 'the message');
}

/** The value as an object. */
export function asObject(value: unknown, name: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${name} is not an object`);
  return value as JsonObject;
}

/** A field of text of at most `maxLength` characters. */
export function text(object: JsonObject, name: string, maxLength = 200): string {
  const value = object[name];
  if (typeof value !== 'string' || value.length > maxLength)
    throw wrong(`${name} is not text of up to ${maxLength} characters`);
  return value;
}

/** As `text`, where the field may be missing. */
export function optionalText(object: JsonObject, name: string, maxLength = 200): string | undefined {
  return object[name] === undefined || object[name] === null ? undefined : text(object, name, maxLength);
}

/** A field that is a whole number from `min` to `max`. */
export function whole(object: JsonObject, name: string, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}): number {
  const value = object[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
    throw wrong(`${name} is not a whole number from ${min} to ${max}`);
  return value;
}

/** As `whole`, where the field may be missing. */
export function optionalWhole(
  object: JsonObject,
  name: string,
  range: { min?: number; max?: number } = {},
): number | undefined {
  return object[name] === undefined || object[name] === null ? undefined : whole(object, name, range);
}

/** A finite number, where the field may be missing. */
export function optionalNumber(object: JsonObject, name: string): number | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(`${name} is not a number`);
  return value;
}

/** A truth value; missing is false. */
export function flag(object: JsonObject, name: string): boolean {
  const value = object[name];
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw wrong(`${name} is neither true nor false`);
  return value;
}

/** One of the words given. */
export function oneOf<Word extends string>(object: JsonObject, name: string, words: readonly Word[]): Word {
  const value = object[name];
  const found = words.find((word) => word === value);
  if (found === undefined) throw wrong(`${name} is none of ${words.join(', ')}`);
  return found;
}

/** A list of at most `maxLength`, each read by `read`; missing is empty. */
export function list<T>(
  object: JsonObject,
  name: string,
  { maxLength, read }: { maxLength: number; read: (value: unknown) => T },
): readonly T[] {
  const value = object[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > maxLength) throw wrong(`${name} is not a list of up to ${maxLength}`);
  return value.map(read);
}

function wrong(what: string, cause?: unknown): WatchpostError {
  return new WatchpostError(`The other end of the tunnel sent a message that cannot be used: ${what}`, {
    kind: 'malformed',
    code: 'TUNNEL_MESSAGE',
    ...(cause !== undefined && { cause }),
  });
}
