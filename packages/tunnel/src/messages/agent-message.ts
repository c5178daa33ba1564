import {
  asObject,
  flag,
  type JsonObject,
  list,
  oneOf,
  optionalNumber,
  optionalText,
  optionalWhole,
  parseJsonObject,
  text,
  whole,
  writeJson,
} from '../json-object.ts';

/** A TCP port that the agent lets the server reach; each gets a local port at the server. */
export interface TargetReport {
  /** As the agent dials it: `127.0.0.1`, `192.0.2.10`. */
  readonly host: string;
  readonly port: number;
  readonly service: 'rtsp' | 'http' | 'tcp';
  /** The local port that is wished for at the server. */
  readonly tunnel_port?: number;
  /** The camera that it belongs to. */
  readonly camera?: string;
}

/** One stream of a camera that the agent found. */
export interface CameraStreamReport {
  readonly port: number;
  /** With the query: `/cam/realmonitor?channel=1&subtype=0`. */
  readonly path: string;
  /** `h264`, `aac`, … */
  readonly codecs: readonly string[];
  readonly width?: number;
  readonly height?: number;
  /** Id of the edge buffer that keeps this stream, where one does. */
  readonly buffer?: string;
}

/** A camera that the agent found or was told of. */
export interface CameraReport {
  /** Stays the same over restarts of the agent. */
  readonly id: string;
  readonly host: string;
  readonly vendor?: string;
  readonly model?: string;
  readonly firmware?: string;
  readonly reachable: boolean;
  /** Present bits per second through the agent. */
  readonly bitrate?: number;
  /** What is wrong, for a person: `wrong password`. */
  readonly problem?: string;
  readonly streams: readonly CameraStreamReport[];
}

/** How the agent is. All but `uptime_s` may be unknown on its platform. */
export interface HealthReport {
  readonly uptime_s: number;
  /** Of one core. */
  readonly cpu_percent?: number;
  readonly rss_bytes?: number;
  readonly memory_free_bytes?: number;
  readonly temperature_c?: number;
  readonly link_rtt_ms?: number;
  readonly reconnects?: number;
  readonly buffered_bytes?: number;
}

/** A stretch of time that an edge buffer holds, on the line of the offer's `now_ms`. */
export interface BufferRange {
  readonly start_ms: number;
  readonly end_ms: number;
  readonly bytes: number;
}

/** Ports that the server may reach. `partial`: the agent has not looked for cameras yet, what the server knew besides may be there. */
export interface TargetsMessage {
  readonly type: 'targets';
  readonly targets: readonly TargetReport[];
  readonly partial?: true;
}

/** What an agent says. Fields are as on the wire. */
export type AgentMessage =
  | TargetsMessage
  | { readonly type: 'cameras'; readonly cameras: readonly CameraReport[] }
  | { readonly type: 'health'; readonly health: HealthReport }
  /** The answer to a command; `data` is any small object. */
  | {
      readonly type: 'command_result';
      readonly command_id: string;
      readonly ok: boolean;
      readonly error?: string;
      readonly data?: JsonObject;
    }
  /** Sent after each new session, and when asked: what can be fetched. `now_ms` is the present on the agent's line of time (SPEC.md, BF-5). */
  | {
      readonly type: 'backfill_offer';
      readonly now_ms: number;
      readonly buffers: readonly {
        readonly buffer: string;
        readonly host: string;
        readonly port: number;
        readonly path: string;
        readonly ranges: readonly BufferRange[];
      }[];
    }
  /** Something to write into the log of events. */
  | { readonly type: 'notice'; readonly level: 'info' | 'warn' | 'error'; readonly text: string };

/** Writes what an agent says. */
export function writeAgentMessage(message: AgentMessage): Uint8Array {
  return writeJson(message);
}

/** Reads what an agent says; undefined for a type that this version does not know. Thrown `malformed`. */
export function parseAgentMessage(bytes: Uint8Array): AgentMessage | undefined {
  const fields = parseJsonObject(bytes);
  switch (fields['type']) {
    case 'targets': {
      const targets = list(fields, 'targets', { maxLength: 64, read: readTarget });
      return { type: 'targets', targets, ...(fields['partial'] === true && { partial: true }) };
    }
    case 'cameras':
      return { type: 'cameras', cameras: list(fields, 'cameras', { maxLength: 256, read: readCamera }) };
    case 'health':
      return { type: 'health', health: readHealth(asObject(fields['health'], 'health')) };
    case 'command_result':
      return readResult(fields);
    case 'backfill_offer':
      return {
        type: 'backfill_offer',
        now_ms: whole(fields, 'now_ms'),
        buffers: list(fields, 'buffers', { maxLength: 256, read: readBuffer }),
      };
    case 'notice':
      return {
        type: 'notice',
        level: oneOf(fields, 'level', ['info', 'warn', 'error']),
        text: text(fields, 'text', 500),
      };
    default:
      return undefined;
  }
}

function readTarget(value: unknown): TargetReport {
  const fields = asObject(value, 'target');
  const tunnelPort = optionalWhole(fields, 'tunnel_port', { min: 1, max: 65_535 });
  const camera = optionalText(fields, 'camera', 64);
  return {
    host: text(fields, 'host', 255),
    port: whole(fields, 'port', { min: 1, max: 65_535 }),
    service: oneOf(fields, 'service', ['rtsp', 'http', 'tcp']),
    ...(tunnelPort !== undefined && { tunnel_port: tunnelPort }),
    ...(camera !== undefined && { camera }),
  };
}

function readCamera(value: unknown): CameraReport {
  const fields = asObject(value, 'camera');
  return {
    id: text(fields, 'id', 64),
    host: text(fields, 'host', 255),
    reachable: flag(fields, 'reachable'),
    streams: list(fields, 'streams', { maxLength: 16, read: readStream }),
    ...present({
      vendor: optionalText(fields, 'vendor', 100),
      model: optionalText(fields, 'model', 100),
      firmware: optionalText(fields, 'firmware', 100),
      bitrate: optionalNumber(fields, 'bitrate'),
      problem: optionalText(fields, 'problem', 300),
    }),
  };
}

function readStream(value: unknown): CameraStreamReport {
  const fields = asObject(value, 'stream');
  return {
    port: whole(fields, 'port', { min: 1, max: 65_535 }),
    path: text(fields, 'path', 500),
    codecs: list(fields, 'codecs', { maxLength: 8, read: readCodec }),
    ...present({
      width: optionalWhole(fields, 'width', { max: 65_535 }),
      height: optionalWhole(fields, 'height', { max: 65_535 }),
      buffer: optionalText(fields, 'buffer', 100),
    }),
  };
}

function readCodec(value: unknown): string {
  return text({ codec: value }, 'codec', 20);
}

function readHealth(fields: JsonObject): HealthReport {
  return {
    uptime_s: optionalNumber(fields, 'uptime_s') ?? 0,
    ...present({
      cpu_percent: optionalNumber(fields, 'cpu_percent'),
      rss_bytes: optionalNumber(fields, 'rss_bytes'),
      memory_free_bytes: optionalNumber(fields, 'memory_free_bytes'),
      temperature_c: optionalNumber(fields, 'temperature_c'),
      link_rtt_ms: optionalNumber(fields, 'link_rtt_ms'),
      reconnects: optionalNumber(fields, 'reconnects'),
      buffered_bytes: optionalNumber(fields, 'buffered_bytes'),
    }),
  };
}

function readResult(fields: JsonObject): AgentMessage {
  return {
    type: 'command_result',
    command_id: text(fields, 'command_id', 64),
    ok: flag(fields, 'ok'),
    ...present({
      error: optionalText(fields, 'error', 500),
      data: fields['data'] === undefined ? undefined : asObject(fields['data'], 'data'),
    }),
  };
}

function readBuffer(value: unknown) {
  const fields = asObject(value, 'buffer');
  return {
    buffer: text(fields, 'buffer', 100),
    host: text(fields, 'host', 255),
    port: whole(fields, 'port', { min: 1, max: 65_535 }),
    path: text(fields, 'path', 500),
    ranges: list(fields, 'ranges', { maxLength: 256, read: readRange }),
  };
}

function readRange(value: unknown): BufferRange {
  const fields = asObject(value, 'range');
  return { start_ms: whole(fields, 'start_ms'), end_ms: whole(fields, 'end_ms'), bytes: whole(fields, 'bytes') };
}

/** The object without what is undefined. */
function present<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
