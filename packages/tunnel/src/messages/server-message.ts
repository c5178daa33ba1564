import { asObject, type JsonObject, list, oneOf, parseJsonObject, text, whole, writeJson } from '../json-object.ts';

/** What an agent can be told to do. Parameters and answers: SPEC.md §7. */
export const commandNames = [
  'restart',
  'configure',
  'snapshot',
  'log_tail',
  'open_port',
  'close_port',
  'update',
  'ptz',
  'discover',
] as const;

/** What an agent can be told to do. */
export type CommandName = (typeof commandNames)[number];

/** What a server says. Fields are as on the wire. */
export type ServerMessage =
  | {
      readonly type: 'command';
      readonly command_id: string;
      readonly command: CommandName;
      readonly params: JsonObject;
    }
  /** Please send a new `backfill_offer`. */
  | { readonly type: 'backfill_query' }
  /** The local ports that targets were given. */
  | {
      readonly type: 'ports';
      readonly ports: readonly { readonly host: string; readonly port: number; readonly local_port: number }[];
    };

/** Writes what a server says. */
export function writeServerMessage(message: ServerMessage): Uint8Array {
  return writeJson(message);
}

/** Reads what a server says; undefined for a type that this version does not know. Thrown `malformed`. */
export function parseServerMessage(bytes: Uint8Array): ServerMessage | undefined {
  const fields = parseJsonObject(bytes);
  switch (fields['type']) {
    case 'command':
      return {
        type: 'command',
        command_id: text(fields, 'command_id', 64),
        command: oneOf(fields, 'command', commandNames),
        params: asObject(fields['params'] ?? {}, 'params'),
      };
    case 'backfill_query':
      return { type: 'backfill_query' };
    case 'ports':
      return { type: 'ports', ports: readPorts(fields) };
    default:
      return undefined;
  }
}

function readPorts(fields: JsonObject): Extract<ServerMessage, { type: 'ports' }>['ports'] {
  return list(fields, 'ports', {
    maxLength: 64,
    read: (value) => {
      const port = asObject(value, 'port');
      return {
        host: text(port, 'host', 255),
        port: whole(port, 'port', { min: 1, max: 65_535 }),
        local_port: whole(port, 'local_port', { min: 1, max: 65_535 }),
      };
    },
  });
}
