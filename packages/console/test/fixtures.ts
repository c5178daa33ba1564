const minute = 60_000;
const hour = 60 * minute;

const h264 = (width: number, height: number, fps = 25) => ({
  kind: 'video',
  codec: 'h264',
  mime_codec: 'avc1.64001f',
  width,
  height,
  fps,
  clock_rate: 90_000,
});
const h265 = {
  kind: 'video',
  codec: 'h265',
  mime_codec: 'hvc1.1.6.L153.B0',
  width: 3840,
  height: 2160,
  fps: 20,
  clock_rate: 90_000,
};
const aac = {
  kind: 'audio',
  codec: 'aac',
  mime_codec: 'mp4a.40.2',
  sample_rate: 16_000,
  channels: 1,
  clock_rate: 16_000,
};

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function recording(parts: Record<string, unknown>): Record<string, unknown> {
  return {
    ...{ enabled: true, mode: 'continuous', schedule: null, manual: null, pre_roll: null, post_roll: null },
    ...{ max_event: null, retention_days: null, max_bytes: null, state: 'recording', since: null, reason: null },
    ...{ detail: null, cause: null, event: null, next_change: null },
    ...parts,
  };
}

interface StreamParts {
  readonly id: string;
  readonly title: string;
  readonly [key: string]: unknown;
}

function stream({ id, title, ...rest }: StreamParts): Record<string, unknown> {
  return {
    stream_id: id,
    title,
    protocol: 'rtsp',
    source_url: `rtsp://192.0.2.10:554/${id}`,
    state: 'online',
    reason: null,
    retry_at: null,
    since: iso(Date.now() - 5 * hour),
    origin: 'api',
    on_demand: false,
    sub_stream_id: null,
    main_stream_id: null,
    tracks: [h264(1920, 1080), aac],
    left_out: [],
    outputs: ['fmp4', 'hls', 'http-flv', 'rtsp', 'rtmp', 'mjpeg'],
    push: [],
    publish_path: null,
    fallback_urls: [],
    source: null,
    readers: 1,
    recording: recording({ state: 'recording', since: iso(Date.now() - 5 * hour), cause: 'continuous' }),
    ...rest,
  };
}

const off = recording({ enabled: false, state: 'off' });

// On its second address, and sent on to two servers.
const sentOn = {
  publish_path: null,
  fallback_urls: ['rtsp://192.0.2.11:554/vorota'],
  source: {
    ...{ index: 1, count: 2, url: 'rtsp://192.0.2.11:554/vorota', since: iso(Date.now() - hour) },
    reason: 'no answer',
  },
  push: [
    {
      ...{ url: 'rtmp://live.example.org/app/***', state: 'online', since: iso(Date.now() - hour), reason: null },
      ...{ retry_at: null, bytes: 5_100_000_000, attempts: 1 },
    },
    {
      ...{ url: 'rtsp://198.51.100.7/gate', state: 'offline', since: iso(Date.now() - hour) },
      reason: { kind: 'unavailable', code: 'DIAL_REFUSED', message: '198.51.100.7:554 refused the connection' },
      ...{ retry_at: iso(Date.now() + 20_000), bytes: 0, attempts: 12 },
    },
  ],
  left_out: [
    { output: 'mjpeg', codec: 'h264', reason: 'MJPEG carries JPEG pictures only' },
    { output: 'mjpeg', codec: 'aac', reason: 'MJPEG carries no sound' },
  ],
};

/** Streams in every state. */
export function streamFixtures(): Record<string, unknown>[] {
  return [
    stream({ ...sentOn, id: 'vorota', title: 'Ворота', sub_stream_id: 'vorota.sub' }),
    stream({
      id: 'vorota.sub',
      title: 'Ворота',
      main_stream_id: 'vorota',
      tracks: [h264(640, 360, 15)],
      recording: off,
    }),
    stream({ id: 'camera-1', title: '大门', sub_stream_id: 'camera-1.sub', tracks: [h265, aac] }),
    stream({
      id: 'camera-1.sub',
      title: '大门',
      main_stream_id: 'camera-1',
      tracks: [h264(704, 576, 15)],
      recording: off,
    }),
    stream({
      id: 'yard',
      title: 'Yard and car park, north side',
      state: 'offline',
      tracks: [],
      reason: {
        kind: 'timeout',
        code: 'DIAL_TIMEOUT',
        message: 'No answer from 192.0.2.30:554 within 10 s — is the camera switched on and on this network?',
      },
      retry_at: iso(Date.now() + 14_000),
      recording: recording({ state: 'waiting', mode: 'schedule', schedule: 'office-hours', max_bytes: 50 * 1024 ** 3 }),
    }),
    stream({
      id: 'office',
      title: 'Office',
      tracks: [h265],
      left_out: [{ output: 'hls', codec: 'g726', reason: 'no container carries it' }],
    }),
    stream({ id: 'store', title: 'Store room', state: 'stopped', tracks: [], recording: off, origin: 'file' }),
    stream({ id: 'hall', title: 'Hall', state: 'connecting', tracks: [], recording: off }),
  ];
}

/** What was recorded of a day, with gaps. */
export function timelineFixture(id: string, startMs: number, endMs: number): Record<string, unknown> {
  const now = Math.min(Date.now(), endMs);
  const cut = (ms: number) => Math.min(Math.max(ms, startMs), now);
  const first = startMs + (now - startMs) * 0.28;
  const second = startMs + (now - startMs) * 0.62;
  const spans = [
    { start: cut(startMs + 20 * minute), end: cut(first) },
    { start: cut(first + 25 * minute), end: cut(second) },
    { start: cut(second + 4 * minute), end: now },
  ].filter((span) => span.end > span.start);
  return {
    stream_id: id,
    spans: spans.map((span) => ({ start: iso(span.start), end: iso(span.end) })),
    gaps: [
      { start: iso(cut(first)), end: iso(cut(first + 25 * minute)), reason: 'camera_offline', detail: null },
      { start: iso(cut(second)), end: iso(cut(second + 4 * minute)), reason: 'disk_full', detail: '/srv/video' },
    ],
  };
}

/** Two disks, one of them too small. */
export function storageFixture(): Record<string, unknown> {
  const gib = 1024 ** 3;
  return {
    backends: [
      {
        name: 'local',
        state: 'low',
        message: 'Only 6 % of /srv/video is free — the oldest recordings are deleted early',
        total_bytes: 500 * gib,
        free_bytes: 30 * gib,
        recorded_bytes: 410 * gib,
        locked_bytes: 40 * gib,
        max_bytes: 420 * gib,
        write_bytes_per_second: 1_240_000,
        retention_days: 7,
        forecast_days: 4.2,
        forecast: 'at this rate 4.2 of 7 days fit',
      },
      {
        name: 'nas',
        state: 'ok',
        message: null,
        total_bytes: 8000 * gib,
        free_bytes: 6100 * gib,
        recorded_bytes: 1500 * gib,
        locked_bytes: 0,
        max_bytes: null,
        write_bytes_per_second: 900_000,
        retention_days: 30,
        forecast_days: 96,
        forecast: 'at this rate 96 days fit',
      },
    ],
    streams: ['vorota', 'camera-1', 'yard', 'old-camera'].map((id, index) => ({
      stream_id: id,
      bytes: (220 - index * 60) * gib,
      oldest: iso(Date.now() - (6 - index) * 24 * hour),
      newest: iso(Date.now() - index * minute),
    })),
  };
}

/** Events, newest first. */
export function eventFixtures(): Record<string, unknown>[] {
  const kinds = [
    ['stream.offline', 'error', 'yard', 'No answer from 192.0.2.30:554 within 10 s'],
    ['recording.gap', 'warning', 'yard', 'Nothing is recorded since 12:04:10: camera_offline'],
    ['stream.online', 'info', 'vorota', 'H.264 1920×1080, AAC'],
    ['disk.low', 'warning', null, 'Only 6 % of /srv/video is free'],
    ['auth.login', 'info', null, 'admin from 192.0.2.99'],
  ] as const;
  return Array.from({ length: 24 }, (_, index) => {
    const [type, level, streamId, message] = kinds[index % kinds.length] ?? kinds[0];
    return {
      id: 100 - index,
      at: iso(Date.now() - index * 7 * minute),
      type,
      level,
      stream_id: streamId,
      reason: null,
      message,
      data: {},
    };
  });
}

/** What a camera with two qualities answers. */
export function probeFixture(host: string): Record<string, unknown> {
  if (host.includes('bad')) {
    const error = {
      kind: 'unauthenticated',
      code: 'RTSP_CREDENTIALS_INVALID',
      message: 'The camera answers 401 to user "admin" — check user and password',
    };
    return { server: 'Hipcam RealServer/V1.0', candidates: [], error };
  }
  return {
    server: 'Hipcam RealServer/V1.0',
    candidates: [
      {
        url: `rtsp://${host}:554/Streaming/Channels/101`,
        vendor: 'hikvision',
        quality: 'main',
        tracks: [h265, aac],
        error: null,
      },
      {
        url: `rtsp://${host}:554/Streaming/Channels/102`,
        vendor: 'hikvision',
        quality: 'sub',
        tracks: [h264(640, 360, 15)],
        error: null,
      },
    ],
    error: null,
  };
}

/** Devices and vendors. */
export const discoveryFixture = {
  devices: [
    { host: '192.0.2.64', name: 'Entrance', model: 'DS-2CD2043', xaddr: null },
    { host: '192.0.2.65', name: null, model: 'IPC-HFW1230', xaddr: null },
  ],
  vendors: [
    { id: 'hikvision', name: 'Hikvision', main: ['/Streaming/Channels/101'], sub: ['/Streaming/Channels/102'] },
    {
      id: 'dahua',
      name: 'Dahua',
      main: ['/cam/realmonitor?channel=1&subtype=0'],
      sub: ['/cam/realmonitor?channel=1&subtype=1'],
    },
  ],
};

/** What the doctor says of a stream. */
export function diagnosisFixture(id: string): Record<string, unknown> {
  return {
    stream_id: id,
    watched_seconds: 181,
    measured: {
      bitrate: 4_213_000,
      fps: 24.9,
      nominal_fps: 25,
      gop_seconds: { shortest: 2, median: 4, longest: 8 },
      lost_percent: 0.4,
      longest_gap_seconds: 0.2,
      clock_offset_seconds: -3.2,
    },
    findings: [
      {
        id: 'gop_varies',
        level: 'warning',
        text: 'Key pictures come after 2 to 8 s',
        cure: 'Switch the smart codec off',
        values: { shortest: 2, median: 4, longest: 8 },
      },
      {
        id: 'clock',
        level: 'warning',
        text: 'The clock is off',
        cure: 'Name an NTP server',
        values: { seconds: -3.2 },
      },
      { id: 'h265', level: 'info', text: 'H.265', cure: 'Give it a second quality', values: {} },
    ],
  };
}

/** Counters of a stream, which go up and down. */
export function statsFixture(id: string): Record<string, unknown> {
  const seconds = Date.now() / 1000;
  const wave = (period: number) => Math.sin((seconds / period) * 2 * Math.PI);
  const packets = Math.round((seconds % 86_400) * 470);
  return {
    stream_id: id,
    bytes: 48_201_776_120 + Math.round(seconds % 86_400) * 520_000,
    packets,
    frames: 450_122,
    lost: Math.round(packets / 4000 + 20 * wave(9)),
    dropped_units: 3,
    repaired: { jump: 2, duplicate: 17, nonMonotonic: 0 },
    counters: {},
    bitrate: 4_213_000 + 600_000 * wave(11) + 200_000 * wave(3),
    fps: 25 + 0.6 * wave(4),
    gop_seconds: Math.floor(seconds / 7) % 2 === 0 ? 2 : 4,
    gop_cache_bytes: 1_050_000,
    reconnects: Math.floor((seconds % 86_400) / 20),
    readers: [
      { protocol: 'fmp4', count: 2 + Math.round(wave(8)), dropped: 0 },
      { protocol: 'hls', count: 1, dropped: 4 },
      { protocol: 'rtsp', count: 3, dropped: 0 },
    ],
  };
}
