import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { formatConfigMessage, readConfigText } from './load.ts';
import type { ConfigSections } from './types.ts';
import { duration } from './values.ts';

const sections: ConfigSections = [
  {
    name: 'hls',
    schema: z.strictObject({
      length: z.int().min(3).max(60).default(5),
      segment_duration: duration({ min: 1 }).default(2),
      wait: duration({ max: 1 }).default(1),
      rate_bytes: z.int().min(0).default(0),
      share: z.number().gt(0).lt(1).default(0.5),
      secret: z.string().min(8).optional(),
    }),
  },
  { name: 'keyframe', place: 'root', schema: z.strictObject({ interval_seconds: z.number().default(5) }).prefault({}) },
];
const environment = { DAYS: '30', OFF: 'false', BAD: 'bad', EMPTY: '' };
const read = (file: string, text: string) => readConfigText(text, sections, { file, environment });
const camera = '[[cameras]]\nname = "a"\nurl = "rtsp://192.0.2.1/a"\n';

const mistakes: readonly [file: string, text: string, message: string][] = [
  // At the wrong place.
  ['w.toml', 'bind = ":1"', '1: bind: there is no such key — there is http.bind: write it below [http]'],
  ['w.yaml', 'bind: ":1"', '1: bind: there is no such key — there is http.bind: indent it below http:'],
  ['w.json', '{"bind": ":1"}', '1: bind: there is no such key — there is http.bind: write it within the { } of "http"'],
  ['w.toml', '[server]\nport = 1', '1: server: there is no such section — its "port" is http.bind here'],
  ['w.toml', '[http]\nport = 1', '2: http.port: there is no such key — it is http.bind here'],
  [
    'w.toml',
    '[hls]\nlength = 3',
    '1: hls: there is no such section — there is protocols.hls: write [protocols.hls] and the keys below it',
  ],
  [
    'w.toml',
    '[http]\ndata_dir = "x"',
    '2: http.data_dir: there is no such key — there is data_dir: write it above the first [section]',
  ],
  [
    'w.yaml',
    'http:\n  data_dir: x',
    '2: http.data_dir: there is no such key — there is data_dir: write it without spaces before it',
  ],
  [
    'w.toml',
    '[storage]\nbase_path = "x"',
    '2: storage.base_path: there is no such key — there is storage.backends[].base_path: write it below one of [[storage.backends]]',
  ],
  [
    'w.toml',
    '[http]\nretention_days = 1',
    '2: http.retention_days: there is no such key — there are recording.retention_days, storage.backends[].retention_days and cameras[].retention_days',
  ],
  ['w.toml', `${camera}ip = "192.0.2.1"`, '4: cameras[0].ip: there is no such key — it is cameras[].url here'],
  ['w.toml', '[[camera]]\nname = "a"', '1: camera: there is no such section — did you mean "cameras"?'],
  ['w.toml', '[http]\nBind = ":1"', '2: http.Bind: there is no such key — did you mean "bind"?'],
  [
    'w.toml',
    'foo = 1',
    '1: foo: there is no such key — known here: data_dir, media_dir, http, auth, protocols, recording, storage, cameras, keyframe',
  ],
  // One for several, and the other way round.
  [
    'w.toml',
    '[[http]]\nbind = ":1"',
    '1: http: is a list and must be one section — write [http] and the keys below it, once',
  ],
  [
    'w.yaml',
    'http:\n  - bind: ":1"',
    '1: http: is a list and must be one section — write http: and the keys indented below it, once',
  ],
  [
    'w.toml',
    '[storage.backends]\nname = "x"',
    '1: storage.backends: is one table — write [[storage.backends]] with two brackets, once for each',
  ],
  [
    'w.toml',
    '[cameras.gate]\nurl = "rtsp://h/x"',
    '1: cameras: is one table — write [[cameras]] with two brackets, once for each, with name = "gate" as a key of it',
  ],
  [
    'w.toml',
    'cameras = "x"',
    '1: cameras: "x" must be a list of tables — write [[cameras]] with two brackets, once for each',
  ],
  [
    'w.toml',
    'cameras = ["x"]',
    '1: cameras[0]: "x" must be a section — write [[cameras]] with two brackets, once for each',
  ],
  [
    'w.toml',
    '[[cameras]]\nname = "a"\nurl = ["rtsp://h/x"]',
    '3: cameras[0].url: is a list and must be one text — write urls = […] for several',
  ],
  ['w.toml', 'data_dir = ["x"]', '1: data_dir: is a list and must be one text — write data_dir = "x"'],
  ['w.toml', '[data_dir]\nx = 1', '1: data_dir: is a section and must be text — write data_dir = "…"'],
  ['w.toml', '[protocols]\nenabled = "hls"', '2: protocols.enabled: "hls" must be a list — write enabled = ["hls"]'],
  // Types, units and ranges.
  ['w.toml', '[http]\nbind = 8080', '2: http.bind: 8080 is not an address to listen on — write "0.0.0.0:8080"'],
  ['w.toml', 'data_dir = ""', '1: data_dir: is empty — write a value, or leave the key out'],
  [
    'w.toml',
    '[recording]\nretention_days = "7d"',
    '2: recording.retention_days: "7d" must be a number without a unit — write retention_days = 7',
  ],
  [
    'w.toml',
    '[recording]\nretention_days = "48h"',
    '2: recording.retention_days: "48h" must be a number without a unit — write retention_days = 2',
  ],
  [
    'w.toml',
    '[keyframe]\ninterval_seconds = "1m"',
    '2: keyframe.interval_seconds: "1m" must be a number without a unit — write interval_seconds = 60',
  ],
  [
    'w.toml',
    '[protocols.hls]\nrate_bytes = "2MB"',
    '2: protocols.hls.rate_bytes: "2MB" must be a number without a unit — write rate_bytes = 2000000',
  ],
  ['w.toml', '[protocols.hls]\nlength = 2', '2: protocols.hls.length: 2 is out of range — it may be 3 to 60'],
  ['w.toml', '[protocols.hls]\nlength = 3.7', '2: protocols.hls.length: 3.7 must be a whole number — write length = 4'],
  [
    'w.toml',
    '[protocols.hls]\nrate_bytes = -1',
    '2: protocols.hls.rate_bytes: -1 is out of range — it may be at least 0',
  ],
  [
    'w.toml',
    '[protocols.hls]\nshare = 1',
    '2: protocols.hls.share: 1 is out of range — it may be more than 0 to less than 1',
  ],
  [
    'w.toml',
    '[protocols.hls]\nsecret = "short"',
    '2: protocols.hls.secret: is too short — write at least 8 characters',
  ],
  [
    'w.toml',
    '[protocols.hls]\nwait = "2s"',
    '2: protocols.hls.wait: "2s" is out of range — it may be at most 1 second',
  ],
  [
    'w.toml',
    '[protocols.hls]\nsegment_duration = 0',
    '2: protocols.hls.segment_duration: 0 is out of range — it may be at least 1 second',
  ],
  [
    'w.toml',
    '[protocols.hls]\nsegment_duration = true',
    '2: protocols.hls.segment_duration: true is not a duration — write seconds, or "250ms", "10s", "5m", "7d"',
  ],
  [
    'w.toml',
    '[protocols.hls]\nsegment_duration = "5MB"',
    '2: protocols.hls.segment_duration: "5MB" is not a duration — write seconds, or "250ms", "10s", "5m", "7d"',
  ],
  [
    'w.toml',
    '[protocols.hls]\nsegment_duration = "00:05:00"',
    '2: protocols.hls.segment_duration: "00:05:00" is not a duration — did you mean "300s"?',
  ],
  ['w.toml', `${camera}max_bytes = "500G"`, '4: cameras[0].max_bytes: "500G" is not a size — did you mean "500GB"?'],
  [
    'w.toml',
    `${camera}max_bytes = "2,5 gigabytes"`,
    '4: cameras[0].max_bytes: "2,5 gigabytes" is not a size — did you mean "2.5GB"?',
  ],
  [
    'w.toml',
    `${camera}max_bytes = "7d"`,
    '4: cameras[0].max_bytes: "7d" is not a size — write bytes, or "16MB", "2GB", "1TiB"',
  ],
  // Environment variables.
  [
    'w.toml',
    '[http]\nbind = "${BAD}"',
    '2: http.bind: "bad" is not an address to listen on — write it as "0.0.0.0:8080" or "[::]:8080" (with the environment variable BAD)',
  ],
  [
    'w.toml',
    '[recording]\nretention_days = "${BAD}"',
    '2: recording.retention_days: "bad" must be a number (with the environment variable BAD) — write retention_days = … with a number',
  ],
  [
    'w.toml',
    '[[cameras]]\nname = "a"\nurl = "${NONE}"',
    '3: cameras[0].url: the environment variable NONE is not set — export NONE=… before starting; a plain "${" is written "$${"',
  ],
  [
    'w.toml',
    `${camera}password = "$\{PW:-x}"`,
    '4: cameras[0].password: between "${" and "}" stands the name of an environment variable, and nothing else — write ${PW}; a plain "${" is written "$${"',
  ],
  [
    'w.toml',
    '[recording]\nenabled = "${EMPTY}"',
    '2: recording.enabled: "" must be true or false (with the environment variable EMPTY) — write enabled = false',
  ],
];

for (const [file, text, message] of mistakes)
  test(`${file.slice(2)}: ${JSON.stringify(text)} says what to write`, () => {
    const { config, errors } = read(file, text);
    assert.equal(config, undefined);
    assert.deepEqual(errors.map(formatConfigMessage), [`${file}:${message}`]);
  });

test('numbers, true and false may come from the environment', () => {
  const { config, errors } = read('w.toml', '[recording]\nretention_days = "${DAYS}"\nenabled = "${OFF}"');
  assert.deepEqual(errors, []);
  assert.deepEqual([config?.recording.retentionDays, config?.recording.enabled], [30, false]);
});

test('a bracket of a password is no variable', () => {
  const { config } = read('w.toml', `${camera}password = "a$\{b$$\{c}"`);
  assert.equal(config?.cameras[0]?.sources[0]?.password, 'a${b${c}');
});
