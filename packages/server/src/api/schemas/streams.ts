import { z } from 'zod';
import { instant, problem, streamId } from './common-fields.ts';
import { recordingFields, recordingSchema } from './recording-rules.ts';

/** One track as the API shows it. */
export const trackSchema = z.object({
  kind: z.enum(['video', 'audio', 'data']),
  codec: z.string().describe('h264 h265 av1 vp8 vp9 mjpeg aac opus pcma pcmu g726 l16 mp3 flac'),
  /** RFC 6381 string for `MediaSource.isTypeSupported`, as the live fMP4 output carries the track; null where it cannot. */
  mime_codec: z.string().nullable(),
  width: z.int().optional(),
  height: z.int().optional(),
  fps: z.number().optional(),
  sample_rate: z.int().optional(),
  channels: z.int().optional(),
  clock_rate: z.int(),
});

/** Addresses besides `source_url`. */
const fallbackUrls = z
  .array(z.string().max(4096))
  .max(7)
  .describe('Further sources, in order of preference, for while `source_url` is away; same login on the same host');

/** How the bytes of a source come. */
export const transportSchema = z.object({
  name: z.string().describe('tcp udp multicast tls; of RTSP inside of HTTP: http https'),
  instead_of: z.string().nullable().describe('The way that was wanted and does not work'),
  reason: z
    .object({ kind: z.string(), code: z.string(), message: z.string() })
    .nullable()
    .describe('Why it does not work'),
});

/** A stream. */
export const streamSchema = z
  .object({
    stream_id: streamId,
    title: z.string(),
    protocol: z.string(),
    source_url: z.string().nullable().describe('Without credentials'),
    publish_path: z
      .string()
      .nullable()
      .describe('Where its publishers send it, besides the address with its id: `APP/STREAM`'),
    fallback_urls: z.array(z.string()).describe('Further sources in order of preference, without credentials'),
    source: z
      .object({
        index: z.int().describe('Place in the order of preference, from 0'),
        count: z.int(),
        url: z.string().describe('Without credentials'),
        since: instant,
        reason: z.string().nullable().describe('Why it is not the one before'),
        transport: transportSchema
          .nullable()
          .describe(
            'How its bytes come, or came last; null where nothing is carried (files, test pictures), or before the first session',
          ),
      })
      .nullable()
      .describe('Which of its sources it comes from, or came from last'),
    state: z.enum(['connecting', 'online', 'offline', 'on_demand', 'stopped']),
    reason: z
      .object({ kind: z.string(), code: z.string(), message: z.string() })
      .nullable()
      .describe('Why it is not online'),
    retry_at: instant.nullable().describe('When the next attempt is due'),
    since: instant.describe('Since when it is in this state'),
    awaits_publisher: z.boolean().describe('It is offline only because nobody sends it now: no fault'),
    origin: z
      .enum(['file', 'api', 'publisher'])
      .describe(
        'publisher: it goes with whoever sends it, and stays once `POST /streams/ingest` made it under the same id; or with ' +
          'whoever watches it, by a path of a camera behind an agent',
      ),
    on_demand: z.boolean(),
    sub_stream_id: streamId.nullable().describe('The second quality, if there is one'),
    main_stream_id: streamId.nullable().describe('For a second quality: what it is the second quality of'),
    tracks: z.array(trackSchema),
    left_out: z
      .array(z.object({ output: z.string(), codec: z.string(), reason: z.string() }))
      .describe('What an output, or `recording`, cannot carry, and why'),
    outputs: z.array(z.string()).describe('Ways to watch it, as `GET /streams/{id}/play?protocol=` takes them'),
    push: z
      .array(
        z.object({
          url: z.string().describe('Without credentials and stream keys'),
          state: z.enum(['waiting', 'connecting', 'online', 'offline']).describe('waiting: for the stream itself'),
          since: instant,
          reason: z
            .object({ kind: z.string(), code: z.string(), message: z.string() })
            .nullable()
            .describe('Why the last attempt ended'),
          retry_at: instant.nullable(),
          bytes: z.int().describe('Sent since the target was defined'),
          attempts: z.int(),
        }),
      )
      .describe('Other servers that it is sent to'),
    readers: z.int(),
    recording: recordingSchema,
  })
  .meta({ id: 'Stream' });

/** Counters of a stream since it was defined (or since the server began). */
export const streamStatsSchema = z
  .object({
    stream_id: streamId,
    bytes: z.int(),
    packets: z.int(),
    frames: z.int(),
    lost: z.int(),
    dropped_units: z.int(),
    repaired: z.record(z.string(), z.int()).describe('Repaired time stamps by kind'),
    counters: z.record(z.string(), z.int()).describe('What else the protocol counts'),
    bitrate: z.number().describe('Bits per second over the last seconds'),
    fps: z.number(),
    gop_seconds: z.number().nullable(),
    gop_cache_bytes: z.int(),
    reconnects: z.int(),
    readers: z.array(z.object({ protocol: z.string(), count: z.int(), dropped: z.int() })),
  })
  .meta({ id: 'StreamStats' });

/** `POST /streams` */
export const newStreamSchema = z
  .object({
    stream_id: streamId,
    title: z.string().max(200).optional(),
    protocol: z.string().default('rtsp'),
    source_url: z.string().max(4096),
    username: z.string().max(256).optional(),
    password: z.string().max(256).optional(),
    fallback_urls: fallbackUrls.default([]),
    sub_url: z.string().max(4096).optional().describe('Second quality, stream id `ID.sub`'),
    push: z.array(z.string().max(4096)).max(16).default([]).describe('Other servers that it is sent to, all at once'),
    ...recordingFields,
    on_demand: z
      .boolean()
      .default(false)
      .describe(
        'Connected only while somebody watches or records; not recorded, unless `record` or `schedule` says so',
      ),
  })
  .strict()
  .meta({ id: 'NewStream' });

/** `POST /streams/ingest` */
export const ingestSchema = z
  .object({
    protocol: z.string(),
    stream_id: streamId,
    title: z.string().max(200).optional(),
    ...recordingFields,
    source: z
      .object({
        rtsp: z
          .object({
            url: z.string().optional().describe('Where to pull it; without it, it waits for somebody to publish it'),
            username: z.string().optional(),
            password: z.string().optional(),
            sub_url: z.string().optional(),
          })
          .strict()
          .optional(),
        tunnel: z
          .object({
            agent_id: z
              .string()
              .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'the `agent_id` of an agent, as GET /agents lists it'),
            port: z.int().min(1).max(65_535).default(554),
            path: z.string().max(2000).default('/'),
            sub_path: z.string().max(2000).optional(),
            username: z.string().optional(),
            password: z.string().optional(),
          })
          .strict()
          .optional()
          .describe('A camera behind an agent'),
      })
      .catchall(z.unknown()),
  })
  .strict()
  .meta({ id: 'Ingest' });

/** `PATCH /streams/{id}` */
export const streamPatchSchema = z
  .object({
    title: z.string().max(200).optional(),
    source_url: z.string().max(4096).optional(),
    username: z.string().max(256).nullable().optional(),
    password: z.string().max(256).nullable().optional(),
    fallback_urls: fallbackUrls.optional(),
    sub_url: z.string().max(4096).nullable().optional(),
    push: z
      .array(z.string().max(4096))
      .max(16)
      .optional()
      .describe('All of them; one written as the API shows it keeps its credentials'),
    publish_path: z
      .string()
      .max(401)
      .nullable()
      .optional()
      .describe(
        'Of a stream without `source_url`: where its publishers send it; null: to the address with its id only',
      ),
    ...recordingFields,
    on_demand: z.boolean().optional(),
  })
  .strict()
  .meta({ id: 'StreamPatch' });

/** `POST /probe`: what is at an address, before it becomes a stream. Give `url`, or `host` (then vendor path templates are tried). */
export const probeSchema = z
  .object({
    url: z.string().max(4096).optional(),
    host: z.string().max(255).optional().describe('Host name or address, with `:PORT` where it is not 554'),
    vendor: z.string().optional().describe('Id of a vendor template; all are tried where it is missing'),
    username: z.string().max(256).optional(),
    password: z.string().max(256).optional(),
  })
  .strict()
  .meta({ id: 'Probe' });

/** One address that answered (or the failure of it). */
export const probeCandidateSchema = z.object({
  url: z.string().describe('Without credentials'),
  vendor: z.string().nullable(),
  quality: z.enum(['main', 'sub', 'unknown']),
  tracks: z.array(trackSchema),
  error: z.object({ kind: z.string(), code: z.string(), message: z.string() }).nullable(),
});

/** Answer of `POST /probe`. */
export const probeResultSchema = z
  .object({
    server: z.string().nullable().describe('What the device calls itself'),
    candidates: z.array(probeCandidateSchema).describe('Those that answered first'),
    error: z
      .object({ kind: z.string(), code: z.string(), message: z.string() })
      .nullable()
      .describe('Set where no candidate answered: the failure that explains most'),
  })
  .meta({ id: 'ProbeResult' });

/** `GET /discovery`: devices seen on the LAN by WS-Discovery, and vendor path templates. */
export const discoverySchema = z
  .object({
    devices: z.array(
      z.object({
        host: z.string(),
        name: z.string().nullable(),
        model: z.string().nullable(),
        xaddr: z.string().nullable(),
      }),
    ),
    vendors: z.array(
      z.object({ id: z.string(), name: z.string(), main: z.array(z.string()), sub: z.array(z.string()) }),
    ),
  })
  .meta({ id: 'Discovery' });

/** `GET /streams/{id}/play` */
export const playSchema = z
  .object({
    protocol: z.string(),
    url: z.string().describe('Absolute, as this server was addressed'),
    path: z.string().describe('The same without scheme and host'),
    expires: instant.nullable(),
  })
  .meta({ id: 'Play' });

/** `GET /streams/{id}/publish` */
export const publishAddressesSchema = z
  .object({
    addresses: z
      .array(
        z.object({
          url: z.string().describe('As this server was addressed'),
          server: z.string().describe('The same without the stream key, as encoders ask for it'),
          key: z.string().nullable().describe('The stream key; null where the address has none'),
        }),
      )
      .describe('On the ports that listen; the one with TLS last'),
  })
  .meta({ id: 'PublishAddresses' });

/** `GET /streams` */
export const streamListSchema = z
  .object({
    streams: z.array(streamSchema),
    next: z.string().nullable().describe('Give it as `after` to get the next page'),
  })
  .meta({ id: 'StreamList' });

export { problem };
