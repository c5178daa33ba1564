import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schedulesSection } from '../recorder/schedules-section.ts';
import { readConfigText } from './load.ts';

function read(camera: string, schedules = '') {
  const text = `${schedules}\n[[cameras]]\nname = "gate"\nurl = "rtsp://192.0.2.1/1"\n${camera}`;
  const { config, errors } = readConfigText(text, [schedulesSection], { file: 'w.toml', environment: {} });
  return {
    camera: config?.cameras[0],
    sections: config?.sections,
    errors: errors.map(({ key, text: said }) => `${key}: ${said}`),
  };
}

const office = `[[schedules]]
name = "office"
time_zone = "Europe/Berlin"
ranges = [{ days = ["mon", "tue"], from = "07:00", to = "19:00" }, { from = "22:00", to = "06:00", record = "events" }]`;

test('a camera is recorded as it says', () => {
  const cases: readonly [keys: string, record: boolean, rules: unknown][] = [
    ['', true, undefined],
    ['record = true', true, undefined],
    ['record = false', false, undefined],
    ['on_demand = true', false, undefined],
    ['record = "continuous"\nretention_days = 30', true, { mode: 'continuous', retentionDays: 30 }],
    ['record = "events"', true, { mode: 'events' }],
    [
      'record = "events"\npre_roll = 3\npost_roll = "20s"\nmax_event = "1m"\nmax_bytes = "2GB"',
      true,
      { mode: 'events', preRollSeconds: 3, postRollSeconds: 20, maxEventSeconds: 60, maxBytes: 2e9 },
    ],
    ['schedule = "office"', true, { mode: 'schedule', schedule: 'office' }],
    ['schedule = "office"\non_demand = true', true, { mode: 'schedule', schedule: 'office' }],
    ['record = true\nschedule = "office"', true, { mode: 'schedule', schedule: 'office' }],
    ['record = "schedule"\nschedule = "office"', true, { mode: 'schedule', schedule: 'office' }],
  ];
  for (const [keys, record, rules] of cases) {
    const { camera, errors } = read(keys, office);
    assert.deepEqual([errors, camera?.record, camera?.recording], [[], record, rules], keys);
  }
});

test('what is wrong with rules and schedules is told by its key', () => {
  const bad = (range: string) => `[[schedules]]\nname = "a"\nranges = [${range}]`;
  const cases: readonly [keys: string, schedules: string, message: RegExp][] = [
    ['record = "event"', '', /^cameras\[0\]\.record: "event" may be true, false.* did you mean "events"\?$/],
    ['record = 5', '', /^cameras\[0\]\.record: 5 may be/],
    ['record = "schedule"', office, /^cameras\[0\]\.record: names no schedule/],
    ['schedule = "offise"', office, /^cameras\[0\]\.schedule: there is no schedule "offise"/],
    ['record = "events"\nschedule = "office"', office, /^cameras\[0\]\.schedule: counts for record = "schedule" only/],
    ['pre_roll = 61', '', /^cameras\[0\]\.pre_roll: 61 is out of range/],
    ['', `${office}\n${office}`, /^schedules\[1\]\.name: "office" is taken/],
    ['', bad('{ from = "7:00", to = "19:00" }'), /^schedules\[0\]\.ranges\[0\]\.from: "7:00" does not fit/],
    ['', bad('{ from = "07:00", to = "25:00" }'), /ranges\[0\]\.to: "25:00" does not fit/],
    ['', bad('{ from = "07:00", to = "07:00" }'), /ranges\[0\]\.to: is the same as "from"/],
    ['', bad('{ days = ["monday"], from = "07:00", to = "08:00" }'), /days\[0\]: "monday" is unknown/],
    ['', `${office.replace('Europe/Berlin', 'Berlin')}`, /^schedules\[0\]\.time_zone: is not a time zone/],
  ];
  for (const [keys, schedules, message] of cases) assert.match(read(keys, schedules).errors.join('\n'), message);
});
