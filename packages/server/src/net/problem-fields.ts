/** One field that is wrong, with the cure. */
export interface ProblemField {
  /** Dotted path in the body, query or path: `source.rtsp.url`. */
  readonly field: string;
  readonly message: string;
}

/** What a schema found wrong, as fastify hands it on. */
export interface SchemaIssue {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string;
  readonly params: object;
}

/** The parts of an issue that its text is made of; which of them there are depends on its kind. */
interface IssueDetails {
  readonly keys?: readonly unknown[];
  readonly expected?: string;
  readonly values?: readonly unknown[];
  readonly origin?: string;
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  readonly errors?: readonly (readonly { readonly message?: string }[])[];
}

const nouns: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};
const units: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
};

/** What an issue is about, in words: unknown keys are named one by one. `place`: where the field is, if it is the whole. */
export function fieldsOf(issue: SchemaIssue, place: string): ProblemField[] {
  const path = issue.instancePath.replace(/^\//, '').replaceAll('/', '.');
  const { keys } = issue.params as IssueDetails;
  if (issue.keyword === 'unrecognized_keys' && Array.isArray(keys))
    return keys.map((key) => ({ field: path === '' ? String(key) : `${path}.${key}`, message: 'is not known here' }));
  return [{ field: path === '' ? place : path, message: textOf(issue) }];
}

function textOf({ keyword, message = 'is not what is expected here', params }: SchemaIssue): string {
  const details = params as IssueDetails;
  // What a schema says itself is better than what is said of its type.
  if (!/^(Invalid (input|option)|Too (small|big))/.test(message)) return message;
  const { expected = '', values = [], origin = '', minimum, maximum, errors = [] } = details;
  if (isMissing(message) || (errors.length > 0 && errors.every(([first]) => isMissing(first?.message))))
    return 'is missing';
  if (keyword === 'too_small') return boundText('at least', minimum, origin);
  if (keyword === 'too_big') return boundText('at most', maximum, origin);
  if (keyword === 'invalid_value') return `must be ${values.map((value) => JSON.stringify(value)).join(' or ')}`;
  if (keyword === 'invalid_type') return `must be ${nouns[expected] ?? expected}`;
  return 'is not what is expected here';
}

function boundText(how: string, bound: number | bigint | undefined, origin: string): string {
  const unit = units[origin];
  if (unit === undefined) return `must be ${how} ${bound}`;
  return `must have ${how} ${bound} ${Number(bound) === 1 ? unit[0] : unit[1]}`;
}

function isMissing(message: string | undefined): boolean {
  return message?.endsWith('received undefined') === true;
}
