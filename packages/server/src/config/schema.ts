import { toWatchpostError } from '@watchpost/base/errors.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { nearest } from '@watchpost/base/text/nearest.ts';
import { z } from 'zod';
import { costsNothing, costsReaders, costsRestart, costsSource, isOrdered } from './change-cost.ts';
import { eventLimits, recordKey } from './recording-rules.ts';
import type { ConfigSections } from './types.ts';
import { bindAddress, diskShare, duration, hostName, show, size } from './values.ts';
import { scheduleName } from './weekly-schedule.ts';

/** Schemes of the platform; a camera of one that this build lacks is a warning, any other scheme is a mistake. */
export const KNOWN_SCHEMES = [
  'rtsp',
  'rtsps',
  'rtsp+http',
  'rtsps+http',
  'rtsp+tunnel',
  'rtmp',
  'rtmps',
  'srt',
  'http',
  'https',
  'udp',
  'gb28181',
  'onvif',
  'test',
  'file',
];

/** Protocols of the platform; one of them that this build lacks is a warning, a name that resembles one is a mistake. */
export const KNOWN_PROTOCOLS = [
  ...['rtsp', 'rtmp', 'http', 'udp', 'hls', 'fmp4', 'flv', 'mjpeg', 'test', 'file'],
  ...['webrtc', 'srt', 'gb28181', 'onvif'],
];

/** A key that names a stream: `[a-z0-9][a-z0-9_-]{0,63}`. */
function streamId() {
  return z.string().superRefine((value, context) => {
    if (/^[a-z0-9][a-z0-9_-]{0,63}$/.test(value)) return;
    const proposal = value
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]+/g, '-')
      .replaceAll(/^[-_]+|-+$/g, '')
      .slice(0, 64);
    const cure = proposal === '' ? 'such as "gate"' : `such as "${proposal}"`;
    context.addIssue({
      code: 'custom',
      message: `${show(value)} cannot be part of an address — use a-z, 0-9, "_" and "-" (${cure}); any other text goes into title`,
    });
  });
}

/** A key that takes the address of a source; stays text, because credentials may stand in keys of their own. */
function sourceUrl() {
  return z.string().superRefine((value, context) => {
    try {
      const { scheme } = parseSourceUrl(value);
      if (KNOWN_SCHEMES.includes(scheme)) return;
      const meant = nearest(scheme, KNOWN_SCHEMES);
      const cure = meant ? `did you mean "${meant}://"?` : 'cameras speak "rtsp://", for the most part';
      context.addIssue({ code: 'custom', message: `"${scheme}://" is not a scheme of any protocol — ${cure}` });
    } catch (error) {
      context.addIssue({ code: 'custom', message: toWatchpostError(error).message });
    }
  });
}

const retentionDays = () => z.number().positive('must be more than 0 days — write enabled = false to record nothing');

const camera = z.strictObject({
  name: streamId().describe('the stream id'),
  title: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('what people read; the name where it is missing')
    .meta(costsNothing),
  url: sourceUrl().optional().describe('main picture'),
  urls: z.array(sourceUrl()).min(1).optional().describe('instead of url: several, in order of preference'),
  sub_url: sourceUrl().optional().describe('second quality, stream id NAME.sub'),
  username: z.string().optional().describe('of the camera'),
  password: z.string().optional().describe('of the camera; any character'),
  record: recordKey()
    .optional()
    .describe('true, false, "events" or "schedule"; false by default for on_demand cameras')
    .meta(costsNothing),
  schedule: scheduleName.optional().describe('when to record: the name of one of [[schedules]]').meta(costsNothing),
  pre_roll: duration(eventLimits.preRoll).optional().describe('instead of recording.pre_roll').meta(costsNothing),
  post_roll: duration(eventLimits.postRoll).optional().describe('instead of recording.post_roll').meta(costsNothing),
  max_event: duration(eventLimits.maxEvent).optional().describe('instead of recording.max_event').meta(costsNothing),
  retention_days: retentionDays()
    .optional()
    .describe('of this camera; that of the backend where it is missing')
    .meta(costsNothing),
  max_bytes: size({ min: 1e7 })
    .optional()
    .describe('of this camera; no limit of its own where it is missing')
    .meta(costsNothing),
  push: z
    .array(sourceUrl())
    .max(16)
    .optional()
    .describe('other servers that it is sent to, all at once')
    .meta(costsNothing),
  on_demand: z.boolean().default(false).describe('connect only while somebody watches or records'),
});

const backend = z.strictObject({
  type: z.enum(['local']).default('local').describe('kind of place'),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'use a-z, 0-9, "_" and "-"')
    .describe('its name'),
  base_path: z.string().min(1).describe('folder, made when it is missing'),
  retention_days: retentionDays()
    .optional()
    .describe('recording.retention_days where it is missing')
    .meta(costsNothing),
  max_bytes: diskShare({ minBytes: 1e8 }).optional().describe('no limit where it is missing').meta(costsNothing),
  min_free: diskShare().default({ percent: 5 }).describe('kept free on the disk').meta(costsNothing),
});

const auth = z.strictObject({
  mode: z.enum(['required', 'none']).default('required').describe('none: laboratories only').meta(costsReaders),
  hosts: z
    .array(hostName())
    .max(64)
    .default([])
    .describe('with mode "none": further names of this server')
    .meta(costsNothing),
});

const certificateFiles = z.strictObject({
  cert: z
    .string()
    .min(1)
    .describe('PEM file of the certificate; renewed ones are read by themselves')
    .meta(costsNothing),
  key: z.string().min(1).describe('PEM file of its key').meta(costsNothing),
});

/** The schema of the whole file; `sections` are what the parts of this build bring. A key costs a restart unless it says less. */
export function configSchema(sections: ConfigSections) {
  const protocols = sections.filter((section) => section.place !== 'root');
  const others = Object.fromEntries(
    sections.filter(({ place }) => place === 'root').map(({ name, schema }) => [name, schema]),
  );
  return z.strictObject({
    data_dir: z.string().min(1).default('./data').describe('database, identity, caches').meta(costsRestart),
    media_dir: z
      .string()
      .min(1)
      .optional()
      .describe('folder of files that may be cameras, as "file:NAME"; none where it is missing')
      .meta(costsNothing),
    http: z
      .strictObject({
        bind: bindAddress().default({ host: '0.0.0.0', port: 8080 }).describe('console, API, media'),
        tls: certificateFiles.optional().meta(costsNothing),
      })
      .prefault({}),
    auth: auth.prefault({}),
    protocols: z
      .strictObject({
        enabled: z
          .array(z.string())
          .default(protocols.filter(({ pullsOnly }) => !pullsOnly).map(({ name }) => name))
          .describe('what others reach us by; cameras are pulled and streams sent on all the same')
          .meta(costsReaders),
        ...Object.fromEntries(protocols.map(({ name, schema }) => [name, schema.prefault({})])),
      })
      .prefault({}),
    recording: z
      .strictObject({
        enabled: z.boolean().default(true).describe('false: nothing is recorded'),
        segment_duration: duration({ min: 1, max: 3600 }).default(60).describe('length of one file'),
        retention_days: retentionDays().default(7).describe('older recordings go'),
        reconnect_delay: duration({ min: 0.1, max: 3600 }).default(5).describe('first delay; grows with jitter'),
        layout: z.enum(['platform']).default('platform').describe('names of files: STREAM/DATE/HOUR/EPOCH.mp4, in UTC'),
        pre_roll: duration(eventLimits.preRoll).default(5).describe('recorded before an event'),
        post_roll: duration(eventLimits.postRoll).default(10).describe('recorded after an event'),
        max_event: duration(eventLimits.maxEvent).default(300).describe('of an event whose end is never told'),
      })
      .prefault({})
      .meta(costsNothing),
    storage: z
      .strictObject({
        policy: z.enum(['primary_backup']).default('primary_backup').describe('how several backends share the work'),
        backends: z
          .array(backend.optional())
          .default([])
          .meta({ ...costsReaders, ...isOrdered }),
      })
      .prefault({}),
    cameras: z.array(camera).default([]).meta(costsSource),
    ...others,
  });
}

/** What the schema makes of a file, still in the file's words. */
export type ParsedConfig = z.output<ReturnType<typeof configSchema>>;

/** One documented key that does not work in this build. `values` limits it to these values. */
interface LaterKey {
  readonly key: readonly string[];
  readonly values?: readonly string[];
  /** What happens instead. */
  readonly instead: string;
}

/** Keys of the reference that this build does not know yet: reported and left out, so that a file works in both. */
export const LATER_KEYS: readonly LaterKey[] = [
  { key: ['recording', 'layout'], values: ['minutes'], instead: 'the layout "platform"' },
  { key: ['recording', 'merge_interval'], instead: 'no merging' },
  { key: ['recording', 'merge_delay'], instead: 'no merging' },
  { key: ['storage', 'policy'], values: ['multi_replica', 'tiered'], instead: '"primary_backup"' },
];

/** Backend types of the reference that this build does not know yet; such a backend is left out. */
export const LATER_BACKENDS: readonly string[] = ['nas', 'nvr', 's3'];
