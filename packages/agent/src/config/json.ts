/** An object of JSON. */
export type Json = Record<string, unknown>;

/** True for what is neither a list nor a single value. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `over` laid over `base`: objects key by key, everything else as a whole. */
export function merged(base: Json, over: Json): Json {
  const result: Json = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = Object.hasOwn(result, key) ? result[key] : undefined;
    if (key === '__proto__') continue;
    result[key] = isObject(before) && isObject(value) ? merged(before, value) : value;
  }
  return result;
}
