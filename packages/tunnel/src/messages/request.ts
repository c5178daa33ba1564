import { WatchpostError } from '@watchpost/base/errors.ts';
import { type JsonObject, optionalWhole, parseJsonObject, text, whole, writeJson } from '../json-object.ts';

/**
 * What a channel is opened for. `tcp`: bytes of a TCP connection that the agent dials. `backfill`: what the agent
 * kept of a buffer, from `startMs` on (`backfill/record.ts`). `reply`: the answer to a command that is too long for a message.
 */
export type ChannelRequest =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | BackfillRequest
  | { readonly kind: 'reply'; readonly commandId: string; readonly name: string };

/** Server to agent: send what was kept of a time range. */
export interface BackfillRequest {
  readonly kind: 'backfill';
  /** Id of the buffer, from the offer. */
  readonly buffer: string;
  /** On the line of the offer's `now_ms`; `endMs` is not included. */
  readonly startMs: number;
  readonly endMs: number;
  /** Most bytes per second; missing for as fast as it goes. */
  readonly maxBytesPerSecond?: number;
}

/** Most bytes of a request. */
export const maxRequestBytes = 4096;

/** Writes what OPEN carries. */
export function writeChannelRequest(request: ChannelRequest): Uint8Array {
  switch (request.kind) {
    case 'tcp':
      return writeJson(request);
    case 'backfill':
      return writeJson({
        kind: 'backfill',
        buffer: request.buffer,
        start_ms: request.startMs,
        end_ms: request.endMs,
        max_bytes_per_second: request.maxBytesPerSecond,
      });
    case 'reply':
      return writeJson({ kind: 'reply', command_id: request.commandId, name: request.name });
  }
}

/** Reads it; a kind that this version does not know is `unsupported` (`TUNNEL_REQUEST`): reset the channel, nothing else. */
export function parseChannelRequest(bytes: Uint8Array): ChannelRequest {
  if (bytes.length > maxRequestBytes) throw unknown('longer than 4096 bytes');
  const fields = parseJsonObject(bytes);
  switch (fields['kind']) {
    case 'tcp':
      return { kind: 'tcp', host: text(fields, 'host', 255), port: whole(fields, 'port', { min: 1, max: 65_535 }) };
    case 'backfill':
      return parseBackfill(fields);
    case 'reply':
      return { kind: 'reply', commandId: text(fields, 'command_id', 64), name: text(fields, 'name', 100) };
    default:
      throw unknown(`of the kind ${JSON.stringify(fields['kind'])?.slice(0, 40)}`);
  }
}

function parseBackfill(fields: JsonObject): BackfillRequest {
  const maxBytesPerSecond = optionalWhole(fields, 'max_bytes_per_second', { min: 1000 });
  return {
    kind: 'backfill',
    buffer: text(fields, 'buffer', 100),
    startMs: whole(fields, 'start_ms'),
    endMs: whole(fields, 'end_ms'),
    ...(maxBytesPerSecond !== undefined && { maxBytesPerSecond }),
  };
}

function unknown(what: string): WatchpostError {
  return new WatchpostError(`A channel was opened for a request ${what} — one of the two ends is out of date`, {
    kind: 'unsupported',
    code: 'TUNNEL_REQUEST',
  });
}
