/** What a template may name. */
export interface TemplateVariables {
  readonly stream_id: string;
  readonly title: string;
  /** The agent of a tunnel, the camera's port, and our port that is it. */
  readonly agent_id?: string;
  readonly port?: string;
  readonly local_port?: string;
  /** As the other system calls it. */
  readonly name?: string;
  /** The address without credentials. */
  readonly url?: string;
  readonly username?: string;
  readonly password?: string;
  /** What the other system answered as its own id. */
  readonly id?: string;
}

const names = ['stream_id', 'title', 'agent_id', 'port', 'local_port', 'name', 'url', 'username', 'password', 'id'];
const known = new Set(names);

/** For messages. */
export const knownVariables = names.map((name) => `{${name}}`).join(', ');
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
