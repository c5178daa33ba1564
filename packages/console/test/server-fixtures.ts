const minute = 60_000;
const hour = 60 * minute;

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** Another system, where one name is taken. */
export const registrationFixtures = [
  {
    ...{ name: 'watcher', type: 'flussonic', url: 'https://flussonic.example.org', failure: null },
    streams: [
      { stream_id: 'vorota', remote_name: 'vorota', state: 'registered', reason: null },
      { stream_id: 'yard', remote_name: 'yard', state: 'conflict', reason: 'a stream of this name is there already' },
    ],
  },
];

/** A server that does well, but for one port. */
export function serverFixture(): Record<string, unknown> {
  const seconds = (Date.now() / 1000) % 86_400;
  return {
    version: '0.1.0',
    runtime: 'Node.js 24.4.1, linux x64',
    time: iso(Date.now()),
    started: iso(Date.now() - 3 * 24 * hour - 5 * hour),
    uptime_seconds: 3 * 86_400 + 5 * 3600,
    cpu_seconds: seconds * 0.4 + Math.sin(seconds / 2) * 0.3,
    cpu_count: 4,
    resident_bytes: 310 * 1024 ** 2 + Math.round(Math.sin(seconds / 3) * 8 * 1024 ** 2),
    memory_bytes: 8 * 1024 ** 3,
    free_memory_bytes: 2.1 * 1024 ** 3,
    cache_bytes: 84 * 1024 ** 2,
    outputs: ['fmp4', 'hls', 'http-flv', 'rtsp', 'rtmp', 'mjpeg'].map((name) => ({ name, listening: name !== 'rtmp' })),
    dropped_events: 0,
    dropped_audit_rows: 0,
  };
}

/** One of the file, one made here. */
export const scheduleFixtures = [
  {
    name: 'office-hours',
    time_zone: 'Europe/Berlin',
    ranges: [
      { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '07:30', to: '19:00', record: 'continuous' },
      { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '19:00', to: '07:30', record: 'events' },
    ],
    origin: 'api',
    streams: ['vorota', 'yard'],
  },
  {
    name: 'nights',
    time_zone: null,
    ranges: [{ days: ['fri', 'sat'], from: '22:00', to: '06:00', record: 'continuous' }],
    origin: 'file',
    streams: [],
  },
];

/** A stretch of this morning. */
export function lockFixtures(): Record<string, unknown>[] {
  return [
    {
      id: 1,
      start: iso(Date.now() - 2 * hour),
      end: iso(Date.now() - 1.4 * hour),
      note: 'Broken gate, police report 4711',
      created_by: 'admin',
      created: iso(Date.now() - hour),
    },
  ];
}

/** Key pictures from `start` to `end`, so many seconds apart. */
export function keyFrameFixtures(
  id: string,
  { start, end, seconds }: { start: number; end: number; seconds: number },
): Record<string, unknown> {
  const keyframes = [];
  for (let ms = start + 7 * minute; ms < end && keyframes.length < 1500; ms += seconds * 1000)
    keyframes.push({
      ...{ time: iso(ms), segment: '~1', offset: 0, bytes: 90_000 },
      snapshot: `/api/v1/recordings/${id}/snapshot?time=${ms}`,
    });
  return { stream_id: id, keyframes, truncated: keyframes.length === 1500 };
}

/** A picture that tells its time by its colour. */
export function pictureFixture(ms: number): string {
  const hue = Math.round((ms / 600_000) * 17) % 360;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><rect width="16" height="9" fill="hsl(${hue} 30% 35%)"/><path d="M0 9l5-5 3 3 4-5 4 7z" fill="hsl(${hue} 35% 22%)"/></svg>`;
}
