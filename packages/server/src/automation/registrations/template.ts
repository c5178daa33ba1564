/** What a template may name. */
export interface TemplateVariables {
  readonly stream_id: string;
  readonly title: string;
  /** As the other system calls it. */
  readonly name?: string;
  /** The address without credentials. */
  readonly url?: string;
  readonly username?: string;
  readonly password?: string;
  /** What the other system answered as its own id. */
  readonly id?: string;
}

const known = new Set(['stream_id', 'title', 'name', 'url', 'username', 'password', 'id']);
const variable = /\{([a-z_]+)\}/g;

/** Names in braces that no template may have; braces around anything else (JSON) are left as they are. */
export function unknownVariables(template: string): string[] {
  return [...template.matchAll(variable)].map((match) => match[1]!).filter((name) => !known.has(name));
}

/** Puts values in; `encode` makes each safe where it stands. */
export function fillTemplate(
  template: string,
  variables: TemplateVariables,
  encode: (value: string) => string = (value) => value,
): string {
  return template.replace(variable, (whole, name: string) =>
    known.has(name) ? encode(variables[name as keyof TemplateVariables] ?? '') : whole,
  );
}

/** For a value inside a JSON string. */
export function insideJson(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}
