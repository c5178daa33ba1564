// Generated from docs/ref/openapi.json by `node scripts/openapi.ts --write`; never edited.

export interface AdoptCameras {
  /** Ids of its cameras; all of them where missing */
  cameras?: string[];
  username?: string;
  password?: string;
  record?: boolean;
}

export interface Agent {
  id: string;
  state: "connected" | "reconnecting" | "disconnected" | "revoked" | "released";
  software: string | null;
  address: string | null;
  /** Fingerprint of its key */
  key: string | null;
  /** RFC 3339 with milliseconds, UTC */
  enrolled: string;
  last_seen: string | null;
  /** What it said last of itself */
  health: Record<string, number> | null;
  cameras: {
    id: string;
    host: string;
    vendor?: string;
    model?: string;
    firmware?: string;
    reachable: boolean;
    bitrate?: number;
    problem?: string;
    streams: {
      port: number;
      path: string;
      codecs: string[];
      width?: number;
      height?: number;
      buffer?: string;
    }[];
  }[];
}

export interface AgentCommand {
  command: "restart" | "configure" | "snapshot" | "log_tail" | "open_port" | "close_port" | "update" | "ptz" | "discover";
  params?: Record<string, unknown>;
}

export interface AgentCommandResult {
  ok: boolean;
  error?: string;
  data?: Record<string, unknown>;
  /** A picture or a long log */
  attachment?: {
    name: string;
    base64: string;
  };
}

export interface ApiToken {
  id: string;
  name: string;
  /** For whom it acts */
  user: string;
  role: "admin" | "operator" | "viewer";
  /** Streams it is limited to; null: all */
  streams: string[] | null;
  /** RFC 3339 with milliseconds, UTC */
  created: string;
  last_used: string | null;
  expires: string | null;
}

export interface AuditEntry {
  id: number;
  /** RFC 3339 with milliseconds, UTC */
  at: string;
  action: "live" | "playback" | "snapshot" | "export" | "publish" | "ptz" | "talk" | "record" | "configure" | "delete" | "login" | "logout" | "login_failed" | "denied";
  user: string;
  /** `session`, `password`, `token NAME`, `none`; `command line`: `user` is the account on the server’s machine */
  via: string;
  stream_id: string | null;
  /** What exactly, in words of this API. A command to an agent that was tried ends with `failed`, and a code where there is one: after `AGENT_COMMAND_TIMEOUT` it may have been done */
  detail: string;
  address: string;
  user_agent: string;
}

export interface AuditList {
  entries: AuditEntry[];
  /** `before` of the next page */
  next: number | null;
}

export interface CameraPage {
  /** As the agent knows it; the first with that port where missing */
  host?: string;
  port?: number;
  /** The camera speaks HTTPS there; at port 443 where missing */
  tls?: boolean;
}

export interface CameraPageLink {
  url: string;
  /** RFC 3339 with milliseconds, UTC */
  expires: string;
}

export interface ConfigReload {
  /** Counts from now on */
  applied: {
    /** `recording.retention_days`, `cameras.gate.url`, `cameras.gate` */
    key: string;
    change: "added" | "changed" | "removed";
    /** What the change costs while the server runs */
    cost: "nothing" | "this source" | "these readers" | "restart";
  }[];
  /** Counts after a restart; the old values go on */
  restart: {
    /** `recording.retention_days`, `cameras.gate.url`, `cameras.gate` */
    key: string;
    change: "added" | "changed" | "removed";
    /** What the change costs while the server runs */
    cost: "nothing" | "this source" | "these readers" | "restart";
  }[];
  /** What is odd about the file */
  warnings: string[];
}

export interface CreatedToken {
  id: string;
  name: string;
  /** For whom it acts */
  user: string;
  role: "admin" | "operator" | "viewer";
  /** Streams it is limited to; null: all */
  streams: string[] | null;
  /** RFC 3339 with milliseconds, UTC */
  created: string;
  last_used: string | null;
  expires: string | null;
  token: string;
  /** With the id as user name: a login for media, also by Digest */
  rtsp_password: string;
}

export interface Diagnosis {
  stream_id: string;
  /** What is measured is of so long; at most three minutes of the present session */
  watched_seconds: number;
  measured: {
    /** Bits per second */
    bitrate: number;
    fps: number;
    /** What the camera promises */
    nominal_fps: number | null;
    /** From key picture to key picture */
    gop_seconds: {
      shortest: number;
      median: number;
      longest: number;
    } | null;
    lost_percent: number;
    /** Longest time in which nothing came */
    longest_gap_seconds: number;
    /** How far the camera's clock is ahead; null where it does not tell */
    clock_offset_seconds: number | null;
  };
  /** The gravest first; empty where all is well */
  findings: {
    id: "offline" | "awaits_publisher" | "early" | "gop_long" | "gop_varies" | "fps_low" | "loss" | "damaged" | "bursts" | "clock" | "timestamps" | "reconnects" | "h265" | "b_frames" | "no_browser" | "left_out" | "slow_readers" | "slow_recorder" | "storage";
    level: "info" | "warning" | "error";
    text: string;
    cure: string | null;
    /** Of the text, for translations */
    values: Record<string, string | number>;
  }[];
}

export interface Discovery {
  devices: {
    host: string;
    name: string | null;
    model: string | null;
    xaddr: string | null;
  }[];
  vendors: {
    id: string;
    name: string;
    main: string[];
    sub: string[];
  }[];
}

export interface EnrolmentToken {
  id: string;
  name: string;
  created_by: string;
  /** RFC 3339 with milliseconds, UTC */
  created: string;
  /** RFC 3339 with milliseconds, UTC */
  expires: string;
  uses: number;
  max_uses: number;
}

export interface Event {
  id: number;
  /** RFC 3339 with milliseconds, UTC */
  at: string;
  type: string;
  level: "info" | "warning" | "error";
  stream_id: string | null;
  reason: string | null;
  message: string;
  data: Record<string, unknown>;
}

export interface EventList {
  events: Event[];
  /** Give it as `before` (or `after`) to get the next page */
  next: number | null;
}

export interface Export {
  id: string;
  stream_id: string;
  state: "queued" | "running" | "done" | "failed";
  /** 0 to 1 */
  progress: number;
  requested: {
    /** RFC 3339 with milliseconds, UTC */
    start: string;
    /** RFC 3339 with milliseconds, UTC */
    end: string;
  };
  /** Of the first picture, once it is known */
  start: string | null;
  /** Of the end of the last picture */
  end: string | null;
  /** 0 until it is known */
  bytes: number;
  /** Holes that were closed */
  gaps: {
    /** RFC 3339 with milliseconds, UTC */
    start: string;
    /** RFC 3339 with milliseconds, UTC */
    end: string;
  }[];
  error: {
    code: string;
    message: string;
  } | null;
  /** Path of the file, once it is done */
  file: string | null;
  /** RFC 3339 with milliseconds, UTC */
  created: string;
  /** When the file is deleted */
  expires: string | null;
}

export interface ExportList {
  exports: Export[];
}

export interface Gap {
  /** RFC 3339 with milliseconds, UTC */
  start: string;
  end: string | null;
  reason: string;
  detail: string | null;
}

export interface Health {
  status: "ok";
  version: string;
  /** RFC 3339 with milliseconds, UTC */
  time: string;
  uptime_seconds: number;
  streams: {
    total: number;
    online: number;
    /** Nobody sends them now: no fault */
    awaiting_publisher: number;
  };
}

export interface Ingest {
  protocol: string;
  stream_id: string;
  title?: string;
  /** Whether, and when; true: as before, or without a pause */
  record?: boolean | "continuous" | "events" | "schedule";
  /** Name of a schedule; it is recorded by it */
  schedule?: string | null;
  /** Seconds before an event, as far as memory holds them */
  pre_roll?: number | null;
  /** Seconds after an event */
  post_roll?: number | null;
  /** Seconds of an event whose end is never told */
  max_event?: number | null;
  /** Instead of those of the storage */
  retention_days?: number | null;
  /** The oldest recordings go when the stream has more */
  max_bytes?: number | null;
  source: {
    rtsp?: {
      /** Where to pull it; without it, it waits for somebody to publish it */
      url?: string;
      username?: string;
      password?: string;
      sub_url?: string;
    };
    /** A camera behind an agent */
    tunnel?: {
      agent_id: string;
      port?: number;
      path?: string;
      sub_path?: string;
      username?: string;
      password?: string;
    };
    [key: string]: unknown;
  };
}

export interface KeyFrames {
  stream_id: string;
  keyframes: {
    /** RFC 3339 with milliseconds, UTC */
    time: string;
    segment: string;
    /** First byte in the file of the fragment that begins with the picture */
    offset: number;
    /** Of the fragment */
    bytes: number;
    /** Path of the picture as JPEG */
    snapshot: string;
  }[];
  truncated: boolean;
}

export interface Lock {
  id: number;
  /** RFC 3339 with milliseconds, UTC */
  start: string;
  /** RFC 3339 with milliseconds, UTC */
  end: string;
  note: string;
  /** Who locked it last */
  created_by: string;
  /** RFC 3339 with milliseconds, UTC */
  created: string;
}

export interface LockList {
  locks: Lock[];
}

export interface Login {
  name: string;
  password: string;
}

export interface LoginResult {
  token: string;
  /** RFC 3339 with milliseconds, UTC */
  expires: string;
  user: {
    name: string;
    role: "admin" | "operator" | "viewer";
    /** Streams it is limited to; null: all */
    streams: string[] | null;
  };
}

export interface LoginSession {
  id: string;
  user: string;
  /** RFC 3339 with milliseconds, UTC */
  created: string;
  /** RFC 3339 with milliseconds, UTC */
  last_used: string;
  /** RFC 3339 with milliseconds, UTC */
  expires: string;
  address: string;
  user_agent: string;
  /** The session that asks */
  current: boolean;
}

export interface NewEnrolmentToken {
  name?: string;
  /** Agents that it lets in */
  max_uses?: number;
  expires_hours?: number;
}

export interface NewEvent {
  /** What happens; the event is `alarm.TYPE` */
  type?: string;
  /** `begin` lasts until an `end` of the same type, or `max_event`; `pulse` is over after `duration` */
  state?: "begin" | "end" | "pulse";
  /** Seconds, of a pulse */
  duration?: number;
  /** For people */
  message?: string;
}

export interface NewExport {
  start: string | number;
  end: string | number;
}

export interface NewLock {
  start: string | number;
  end: string | number;
  /** Why, for people */
  note?: string;
}

export interface NewSchedule {
  /** IANA name; that of the machine where it is missing */
  time_zone?: string;
  /** stretches of the week */
  ranges: {
    /** those it begins on; all where it is missing */
    days?: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
    /** local time */
    from: string;
    /** local time; not later than from: on the day after */
    to: string;
    /** always, or while something happens */
    record?: "continuous" | "events";
  }[];
}

export interface NewStream {
  stream_id: string;
  title?: string;
  protocol?: string;
  source_url: string;
  username?: string;
  password?: string;
  /** Further sources, in order of preference, for while `source_url` is away; same login on the same host */
  fallback_urls?: string[];
  /** Second quality, stream id `ID.sub` */
  sub_url?: string;
  /** Other servers that it is sent to, all at once */
  push?: string[];
  /** Whether, and when; true: as before, or without a pause */
  record?: boolean | "continuous" | "events" | "schedule";
  /** Name of a schedule; it is recorded by it */
  schedule?: string | null;
  /** Seconds before an event, as far as memory holds them */
  pre_roll?: number | null;
  /** Seconds after an event */
  post_roll?: number | null;
  /** Seconds of an event whose end is never told */
  max_event?: number | null;
  /** Instead of those of the storage */
  retention_days?: number | null;
  /** The oldest recordings go when the stream has more */
  max_bytes?: number | null;
  /** Connected only while somebody watches or records; not recorded, unless `record` or `schedule` says so */
  on_demand?: boolean;
}

export interface NewToken {
  name: string;
  expires_days?: number;
  /** Default, and at most: the role of whoever asks */
  role?: "admin" | "operator" | "viewer";
  /** Limits it to these streams */
  streams?: string[];
}

export interface NewUser {
  name: string;
  password: string;
  role: "admin" | "operator" | "viewer";
  /** Limits the user to these streams */
  streams?: string[] | null;
}

export interface PasswordChange {
  current: string;
  password: string;
}

export interface Play {
  protocol: string;
  /** Absolute, as this server was addressed */
  url: string;
  /** The same without scheme and host */
  path: string;
  expires: string | null;
}

export interface Playback {
  url: string;
  path: string;
  type: "hls";
  speed: number;
  /** Path of the same stretch as one MP4 file, with ranges */
  mp4: string;
  /** RFC 3339 with milliseconds, UTC */
  start: string;
  /** RFC 3339 with milliseconds, UTC */
  end: string;
  /** Where to ask from for the rest of the stretch; null where this is all of it */
  next: string | null;
  expires: string | null;
  codecs: string | null;
}

export interface Probe {
  url?: string;
  /** Host name or address, with `:PORT` where it is not 554 */
  host?: string;
  /** Id of a vendor template; all are tried where it is missing */
  vendor?: string;
  username?: string;
  password?: string;
}

export interface ProbeResult {
  /** What the device calls itself */
  server: string | null;
  /** Those that answered first */
  candidates: {
    /** Without credentials */
    url: string;
    vendor: string | null;
    quality: "main" | "sub" | "unknown";
    tracks: {
      kind: "video" | "audio" | "data";
      /** h264 h265 av1 vp8 vp9 mjpeg aac opus pcma pcmu g726 l16 mp3 flac */
      codec: string;
      mime_codec: string | null;
      width?: number;
      height?: number;
      fps?: number;
      sample_rate?: number;
      channels?: number;
      clock_rate: number;
    }[];
    error: {
      kind: string;
      code: string;
      message: string;
    } | null;
  }[];
  /** Set where no candidate answered: the failure that explains most */
  error: {
    kind: string;
    code: string;
    message: string;
  } | null;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** Stable; what each one means and what to do stands in `x-codes` of this schema */
  code: string;
  errors?: {
    field: string;
    message: string;
  }[];
}

export interface PublishAddresses {
  /** On the ports that listen; the one with TLS last */
  addresses: {
    /** As this server was addressed */
    url: string;
    /** The same without the stream key, as encoders ask for it */
    server: string;
    /** The stream key; null where the address has none */
    key: string | null;
  }[];
}

export interface Ready {
  ready: boolean;
  checks: {
    name: string;
    ok: boolean;
    /** What is wrong, also where the work goes on without it */
    message: string | null;
  }[];
}

export interface RecordedDays {
  stream_id: string;
  days: {
    day: string;
    recorded_seconds: number;
  }[];
}

export interface Recordings {
  stream_id: string;
  /** RFC 3339 with milliseconds, UTC */
  start: string;
  /** RFC 3339 with milliseconds, UTC */
  end: string;
  segments: Segment[];
  gaps: Gap[];
  truncated: boolean;
}

export interface Schedule {
  name: string;
  /** Null: that of the server */
  time_zone: string | null;
  ranges: {
    /** those it begins on; all where it is missing */
    days: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
    /** local time */
    from: string;
    /** local time; not later than from: on the day after */
    to: string;
    /** always, or while something happens */
    record: "continuous" | "events";
  }[];
  origin: "file" | "api";
  /** Streams that are recorded by it */
  streams: string[];
}

export interface ScheduleList {
  schedules: Schedule[];
}

export interface Segment {
  id: string;
  /** RFC 3339 with milliseconds, UTC */
  start: string;
  /** RFC 3339 with milliseconds, UTC */
  end: string;
  bytes: number;
  backend: string;
  run: string;
  locked: boolean;
  growing: boolean;
  codecs: string;
}

export interface Server {
  version: string;
  /** What it runs on */
  runtime: string;
  /** RFC 3339 with milliseconds, UTC */
  time: string;
  /** RFC 3339 with milliseconds, UTC */
  started: string;
  uptime_seconds: number;
  /** CPU time of the process since it began; two answers tell the load */
  cpu_seconds: number;
  cpu_count: number;
  /** Memory of the process */
  resident_bytes: number;
  /** Of the machine */
  memory_bytes: number;
  free_memory_bytes: number;
  /** Kept for the readers of all streams */
  cache_bytes: number;
  /** Ways to watch; one whose port could not be had does not listen */
  outputs: {
    name: string;
    listening: boolean;
  }[];
  /** Events that could not be stored */
  dropped_events: number;
  dropped_audit_rows: number;
}

export interface Session {
  /** False until the first administrator exists */
  set_up: boolean;
  auth: "required" | "none";
  user: {
    name: string;
    role: "admin" | "operator" | "viewer";
    /** Streams it is limited to; null: all */
    streams: string[] | null;
  } | null;
  version: string;
  /** The server's clock */
  time: string;
}

export interface SessionList {
  sessions: LoginSession[];
}

export interface SetUp {
  token: string;
  name: string;
  password: string;
}

export interface Storage {
  backends: {
    name: string;
    state: "ok" | "low" | "full" | "missing" | "error";
    message: string | null;
    total_bytes: number;
    free_bytes: number;
    recorded_bytes: number;
    /** Of them what no retention deletes */
    locked_bytes: number;
    /** The oldest recordings go where there are more; null: as the disk has */
    max_bytes: number | null;
    write_bytes_per_second: number;
    retention_days: number;
    /** How many days fit at the present rate */
    forecast_days: number | null;
    /** "at this rate 4.2 of 7 days fit" */
    forecast: string | null;
  }[];
  streams: {
    stream_id: string;
    bytes: number;
    /** RFC 3339 with milliseconds, UTC */
    oldest: string;
    /** RFC 3339 with milliseconds, UTC */
    newest: string;
  }[];
}

export interface Stream {
  stream_id: string;
  title: string;
  protocol: string;
  /** Without credentials */
  source_url: string | null;
  /** Where its publishers send it, besides the address with its id: `APP/STREAM` */
  publish_path: string | null;
  /** Further sources in order of preference, without credentials */
  fallback_urls: string[];
  /** Which of its sources it comes from, or came from last */
  source: {
    /** Place in the order of preference, from 0 */
    index: number;
    count: number;
    /** Without credentials */
    url: string;
    /** RFC 3339 with milliseconds, UTC */
    since: string;
    /** Why it is not the one before */
    reason: string | null;
    /** How its bytes come, or came last; null where nothing is carried (files, test pictures), or before the first session */
    transport: {
      /** tcp udp multicast tls; of RTSP inside of HTTP: http https */
      name: string;
      /** The way that was wanted and does not work */
      instead_of: string | null;
      /** Why it does not work */
      reason: {
        kind: string;
        code: string;
        message: string;
      } | null;
    } | null;
  } | null;
  state: "connecting" | "online" | "offline" | "on_demand" | "stopped";
  /** Why it is not online */
  reason: {
    kind: string;
    code: string;
    message: string;
  } | null;
  /** When the next attempt is due */
  retry_at: string | null;
  /** Since when it is in this state */
  since: string;
  /** It is offline only because nobody sends it now: no fault */
  awaits_publisher: boolean;
  /** publisher: it goes with whoever sends it, and stays once `POST /streams/ingest` made it under the same id; or with whoever watches it, by a path of a camera behind an agent */
  origin: "file" | "api" | "publisher";
  on_demand: boolean;
  /** The second quality, if there is one */
  sub_stream_id: string | null;
  /** For a second quality: what it is the second quality of */
  main_stream_id: string | null;
  tracks: {
    kind: "video" | "audio" | "data";
    /** h264 h265 av1 vp8 vp9 mjpeg aac opus pcma pcmu g726 l16 mp3 flac */
    codec: string;
    mime_codec: string | null;
    width?: number;
    height?: number;
    fps?: number;
    sample_rate?: number;
    channels?: number;
    clock_rate: number;
  }[];
  /** What an output, or `recording`, cannot carry, and why */
  left_out: {
    output: string;
    codec: string;
    reason: string;
  }[];
  /** Ways to watch it, as `GET /streams/{id}/play?protocol=` takes them */
  outputs: string[];
  /** Other servers that it is sent to */
  push: {
    /** Without credentials and stream keys */
    url: string;
    /** waiting: for the stream itself */
    state: "waiting" | "connecting" | "online" | "offline";
    /** RFC 3339 with milliseconds, UTC */
    since: string;
    /** Why the last attempt ended */
    reason: {
      kind: string;
      code: string;
      message: string;
    } | null;
    retry_at: string | null;
    /** Sent since the target was defined */
    bytes: number;
    attempts: number;
  }[];
  readers: number;
  recording: {
    enabled: boolean;
    mode: "continuous" | "events" | "schedule";
    schedule: string | null;
    /** Switched on or off by hand, whatever the rules say */
    manual: boolean | null;
    /** Null: as the configuration says, and so for the rest */
    pre_roll: number | null;
    post_roll: number | null;
    max_event: number | null;
    retention_days: number | null;
    max_bytes: number | null;
    state: "off" | "recording" | "waiting" | "error";
    since: string | null;
    /** Why it is not recording, as gaps have it */
    reason: string | null;
    /** The same for people */
    detail: string | null;
    /** Why it is recording */
    cause: "continuous" | "schedule" | "event" | "manual" | null;
    /** Kind of the event that is being recorded */
    event: string | null;
    /** When the schedule says something else */
    next_change: string | null;
  };
}

export interface StreamList {
  streams: Stream[];
  /** Give it as `after` to get the next page */
  next: string | null;
}

export interface StreamPatch {
  title?: string;
  source_url?: string;
  username?: string | null;
  password?: string | null;
  /** Further sources, in order of preference, for while `source_url` is away; same login on the same host */
  fallback_urls?: string[];
  sub_url?: string | null;
  /** All of them; one written as the API shows it keeps its credentials */
  push?: string[];
  /** Of a stream without `source_url`: where its publishers send it; null: to the address with its id only */
  publish_path?: string | null;
  /** Whether, and when; true: as before, or without a pause */
  record?: boolean | "continuous" | "events" | "schedule";
  /** Name of a schedule; it is recorded by it */
  schedule?: string | null;
  /** Seconds before an event, as far as memory holds them */
  pre_roll?: number | null;
  /** Seconds after an event */
  post_roll?: number | null;
  /** Seconds of an event whose end is never told */
  max_event?: number | null;
  /** Instead of those of the storage */
  retention_days?: number | null;
  /** The oldest recordings go when the stream has more */
  max_bytes?: number | null;
  on_demand?: boolean;
}

export interface StreamStats {
  stream_id: string;
  bytes: number;
  packets: number;
  frames: number;
  lost: number;
  dropped_units: number;
  /** Repaired time stamps by kind */
  repaired: Record<string, number>;
  /** What else the protocol counts */
  counters: Record<string, number>;
  /** Bits per second over the last seconds */
  bitrate: number;
  fps: number;
  gop_seconds: number | null;
  gop_cache_bytes: number;
  reconnects: number;
  readers: {
    protocol: string;
    count: number;
    dropped: number;
  }[];
}

export interface TakenEvent {
  /** It is recorded because of this */
  recorded: boolean;
  recording: {
    enabled: boolean;
    mode: "continuous" | "events" | "schedule";
    schedule: string | null;
    /** Switched on or off by hand, whatever the rules say */
    manual: boolean | null;
    /** Null: as the configuration says, and so for the rest */
    pre_roll: number | null;
    post_roll: number | null;
    max_event: number | null;
    retention_days: number | null;
    max_bytes: number | null;
    state: "off" | "recording" | "waiting" | "error";
    since: string | null;
    /** Why it is not recording, as gaps have it */
    reason: string | null;
    /** The same for people */
    detail: string | null;
    /** Why it is recording */
    cause: "continuous" | "schedule" | "event" | "manual" | null;
    /** Kind of the event that is being recorded */
    event: string | null;
    /** When the schedule says something else */
    next_change: string | null;
  };
}

export interface Timeline {
  stream_id: string;
  spans: {
    /** RFC 3339 with milliseconds, UTC */
    start: string;
    /** RFC 3339 with milliseconds, UTC */
    end: string;
  }[];
  gaps: Gap[];
}

export interface TokenList {
  tokens: ApiToken[];
}

export interface Tunnel {
  /** The agent's id */
  id: string;
  /** "reconnecting": connections wait for the agent to come back */
  status: "connected" | "reconnecting" | "disconnected";
  /** Port of this server that is the port of the camera; the lowest of several */
  local_port: number | null;
  /** The port of the camera */
  remote_port: number | null;
  /** Through all ports of the agent since the server began, both directions */
  bytes_transferred: number;
  connections: number;
  /** Seconds since the agent connected; 0 while it is not there */
  uptime: number;
  ports: {
    local_port: number;
    remote_host: string;
    remote_port: number;
    service: "rtsp" | "http" | "tcp";
    connections: number;
    bytes_transferred: number;
  }[];
  round_trip_ms: number | null;
  /** How often connections went on after the tunnel was cut */
  resumes: number;
  /** Sent to the agent and not yet acknowledged */
  buffered_bytes: number;
  /** Connections of this agent so far */
  epoch: number;
}

export interface User {
  name: string;
  role: "admin" | "operator" | "viewer";
  /** Streams it is limited to; null: all */
  streams: string[] | null;
  /** RFC 3339 with milliseconds, UTC */
  created: string;
  /** When a session was last used */
  last_seen: string | null;
}

export interface UserList {
  users: User[];
}

export interface UserPatch {
  /** Ends all the user's sessions */
  password?: string;
  role?: "admin" | "operator" | "viewer";
  /** null lifts the limit */
  streams?: string[] | null;
}

/** Every operation of the API, by its operationId. */
export interface Operations {
  /** Tell that the process is alive */
  getHealth: {
    method: 'GET';
    path: '/health';
    params: undefined;
    query: undefined;
    body: undefined;
    response: Health;
  };
  /** Tell whether the server can do its work */
  getReady: {
    method: 'GET';
    path: '/ready';
    params: undefined;
    query: undefined;
    body: undefined;
    response: Ready;
  };
  /** Show counters for Prometheus */
  getMetrics: {
    method: 'GET';
    path: '/metrics';
    params: undefined;
    query: undefined;
    body: undefined;
    response: string;
  };
  /** List the tunnels of agents, in short */
  listPlainTunnels: {
    method: 'GET';
    path: '/tunnels';
    params: undefined;
    query: undefined;
    body: undefined;
    response: {
      tunnels: {
        id: string;
        /** "reconnecting": connections wait for the agent to come back */
        status: "connected" | "reconnecting" | "disconnected";
        /** Port of this server that is the port of the camera; the lowest of several */
        local_port: number | null;
        /** The port of the camera */
        remote_port: number | null;
        /** Through all ports of the agent since the server began, both directions */
        bytes_transferred: number;
        connections: number;
        /** Seconds since the agent connected; 0 while it is not there */
        uptime: number;
      }[];
    };
  };
  /** Show the tunnel of an agent, in short */
  getPlainTunnel: {
    method: 'GET';
    path: '/tunnels/{id}';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: {
      tunnel: {
        /** "reconnecting": connections wait for the agent to come back */
        status: "connected" | "reconnecting" | "disconnected";
        /** Port of this server that is the port of the camera; the lowest of several */
        local_port: number | null;
        /** The port of the camera */
        remote_port: number | null;
        /** Through all ports of the agent since the server began, both directions */
        bytes_transferred: number;
        connections: number;
        /** Seconds since the agent connected; 0 while it is not there */
        uptime: number;
      };
    };
  };
  /** Have an agent connect anew; connections through its tunnel end */
  restartPlainTunnel: {
    method: 'POST';
    path: '/tunnels/{id}/restart';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: undefined;
  };
  /** Tell who is asking, and whether set-up is still to be done */
  getSession: {
    method: 'GET';
    path: '/api/v1/session';
    params: undefined;
    query: undefined;
    body: undefined;
    response: Session;
  };
  /** Make the first administrator with the token of the one-time link */
  setUp: {
    method: 'POST';
    path: '/api/v1/setup';
    params: undefined;
    query: undefined;
    body: SetUp;
    response: LoginResult;
  };
  /** Log in with name and password */
  login: {
    method: 'POST';
    path: '/api/v1/login';
    params: undefined;
    query: undefined;
    body: Login;
    response: LoginResult;
  };
  /** End the session that asks */
  logout: {
    method: 'POST';
    path: '/api/v1/logout';
    params: undefined;
    query: undefined;
    body: undefined;
    response: undefined;
  };
  /** List the logins that are alive: all for administrators, else those of whoever asks */
  listSessions: {
    method: 'GET';
    path: '/api/v1/sessions';
    params: undefined;
    query: undefined;
    body: undefined;
    response: SessionList;
  };
  /** End a login */
  revokeSession: {
    method: 'DELETE';
    path: '/api/v1/sessions/{id}';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: undefined;
  };
  /** List the API tokens */
  listTokens: {
    method: 'GET';
    path: '/api/v1/tokens';
    params: undefined;
    query: undefined;
    body: undefined;
    response: TokenList;
  };
  /** Make an API token; it is shown this once */
  createToken: {
    method: 'POST';
    path: '/api/v1/tokens';
    params: undefined;
    query: undefined;
    body: NewToken;
    response: CreatedToken;
  };
  /** Revoke an API token */
  revokeToken: {
    method: 'DELETE';
    path: '/api/v1/tokens/{id}';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: undefined;
  };
  /** List the users */
  listUsers: {
    method: 'GET';
    path: '/api/v1/users';
    params: undefined;
    query: undefined;
    body: undefined;
    response: UserList;
  };
  /** Add a user */
  createUser: {
    method: 'POST';
    path: '/api/v1/users';
    params: undefined;
    query: undefined;
    body: NewUser;
    response: User;
  };
  /** Change role, streams or password of a user */
  updateUser: {
    method: 'PATCH';
    path: '/api/v1/users/{name}';
    params: { name: string };
    query: undefined;
    body: UserPatch;
    response: User;
  };
  /** Remove a user with all sessions and tokens */
  deleteUser: {
    method: 'DELETE';
    path: '/api/v1/users/{name}';
    params: { name: string };
    query: undefined;
    body: undefined;
    response: undefined;
  };
  /** Change the password of whoever asks; all other sessions end */
  changePassword: {
    method: 'POST';
    path: '/api/v1/password';
    params: undefined;
    query: undefined;
    body: PasswordChange;
    response: undefined;
  };
  /** Show who looked, exported, moved, changed and logged in, newest first */
  listAudit: {
    method: 'GET';
    path: '/api/v1/audit';
    params: undefined;
    query: { before?: number; user?: string; action?: "live" | "playback" | "snapshot" | "export" | "publish" | "ptz" | "talk" | "record" | "configure" | "delete" | "login" | "logout" | "login_failed" | "denied"; stream_id?: string; start?: string | number; end?: string | number; limit?: number; format?: "json" | "csv" };
    body: undefined;
    response: AuditList;
  };
  /** Add a stream by its address */
  createStream: {
    method: 'POST';
    path: '/api/v1/streams';
    params: undefined;
    query: undefined;
    body: NewStream;
    response: Stream;
  };
  /** List the streams in order of their ids */
  listStreams: {
    method: 'GET';
    path: '/api/v1/streams';
    params: undefined;
    query: { after?: string; limit?: number; state?: "connecting" | "online" | "offline" | "on_demand" | "stopped" };
    body: undefined;
    response: StreamList;
  };
  /** Add a stream by protocol and source */
  ingestStream: {
    method: 'POST';
    path: '/api/v1/streams/ingest';
    params: undefined;
    query: undefined;
    body: Ingest;
    response: Stream;
  };
  /** Show a stream */
  getStream: {
    method: 'GET';
    path: '/api/v1/streams/{id}';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: Stream;
  };
  /** Change a stream that was made by API */
  updateStream: {
    method: 'PATCH';
    path: '/api/v1/streams/{id}';
    params: { id: string };
    query: undefined;
    body: StreamPatch;
    response: Stream;
  };
  /** Remove a stream that was made by API */
  deleteStream: {
    method: 'DELETE';
    path: '/api/v1/streams/{id}';
    params: { id: string };
    query: { recordings?: "keep" | "delete" };
    body: undefined;
    response: undefined;
  };
  /** Show the counters of a stream */
  getStreamStats: {
    method: 'GET';
    path: '/api/v1/streams/{id}/stats';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: StreamStats;
  };
  /** Stop a stream; its definition stays */
  stopStream: {
    method: 'POST';
    path: '/api/v1/streams/{id}/stop';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: Stream;
  };
  /** Start a stopped stream */
  startStream: {
    method: 'POST';
    path: '/api/v1/streams/{id}/start';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: Stream;
  };
  /** Record a stream without a pause, whatever its rules say */
  startRecording: {
    method: 'POST';
    path: '/api/v1/streams/{id}/recording/start';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: Stream;
  };
  /** Record a stream no more, whatever its rules say */
  stopRecording: {
    method: 'POST';
    path: '/api/v1/streams/{id}/recording/stop';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: Stream;
  };
  /** Record a stream as its rules say, after it was started or stopped by hand */
  autoRecording: {
    method: 'POST';
    path: '/api/v1/streams/{id}/recording/auto';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: Stream;
  };
  /** Get the address to watch a stream at, signed where logins are required */
  playStream: {
    method: 'GET';
    path: '/api/v1/streams/{id}/play';
    params: { id: string };
    query: { protocol?: string };
    body: undefined;
    response: Play;
  };
  /** Get the addresses to publish a stream at */
  getPublishAddresses: {
    method: 'GET';
    path: '/api/v1/streams/{id}/publish';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: PublishAddresses;
  };
  /** Speak through a camera: an announcement */
  talk: {
    method: 'POST';
    path: '/api/v1/streams/{id}/talk';
    params: { id: string };
    query: { codec?: "pcm" | "pcma" | "pcmu" | "aac" };
    body: undefined;
    response: {
      stream_id: string;
      /** What the device was sent */
      codec: string;
      /** Length of what was sent */
      seconds: number;
    };
  };
  /** Tell that something happens in front of a camera */
  postStreamEvent: {
    method: 'POST';
    path: '/api/v1/streams/{id}/events';
    params: { id: string };
    query: undefined;
    body: NewEvent;
    response: TakenEvent;
  };
  /** List the schedules, and which streams are recorded by them */
  listSchedules: {
    method: 'GET';
    path: '/api/v1/schedules';
    params: undefined;
    query: undefined;
    body: undefined;
    response: ScheduleList;
  };
  /** Make or change a schedule */
  putSchedule: {
    method: 'PUT';
    path: '/api/v1/schedules/{name}';
    params: { name: string };
    query: undefined;
    body: NewSchedule;
    response: Schedule;
  };
  /** Delete a schedule that no stream is recorded by */
  deleteSchedule: {
    method: 'DELETE';
    path: '/api/v1/schedules/{name}';
    params: { name: string };
    query: undefined;
    body: undefined;
    response: undefined;
  };
  /** Tell what is wrong with a stream, by its last minutes, and what to do */
  diagnoseStream: {
    method: 'GET';
    path: '/api/v1/streams/{id}/doctor';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: Diagnosis;
  };
  /** Ask a camera what it has, before it becomes a stream */
  probe: {
    method: 'POST';
    path: '/api/v1/probe';
    params: undefined;
    query: undefined;
    body: Probe;
    response: ProbeResult;
  };
  /** List the cameras that answer on this network, and the usual addresses of vendors */
  discover: {
    method: 'GET';
    path: '/api/v1/discovery';
    params: undefined;
    query: { scan?: "true" | "false" };
    body: undefined;
    response: Discovery;
  };
  /** List the segments and gaps of a stream */
  listRecordings: {
    method: 'GET';
    path: '/api/v1/recordings/{id}';
    params: { id: string };
    query: { start?: string | number; end?: string | number; limit?: number };
    body: undefined;
    response: Recordings;
  };
  /** Show recorded stretches and gaps, for drawing */
  getTimeline: {
    method: 'GET';
    path: '/api/v1/recordings/{id}/timeline';
    params: { id: string };
    query: { start?: string | number; end?: string | number };
    body: undefined;
    response: Timeline;
  };
  /** List the days of which there is anything, for calendars */
  listRecordedDays: {
    method: 'GET';
    path: '/api/v1/recordings/{id}/days';
    params: { id: string };
    query: { from?: string; to?: string; tz?: string };
    body: undefined;
    response: RecordedDays;
  };
  /** Get the address that plays a stretch of recordings, or one segment */
  playRecording: {
    method: 'GET';
    path: '/api/v1/recordings/{id}/playback';
    params: { id: string };
    query: { start?: string | number; end?: string | number; speed?: number; format?: "hls" | "mp4" };
    body: undefined;
    response: Playback;
  };
  /** List what is locked of the recordings of a stream */
  listLocks: {
    method: 'GET';
    path: '/api/v1/recordings/{id}/locks';
    params: { id: string };
    query: { start?: string | number; end?: string | number };
    body: undefined;
    response: LockList;
  };
  /** Lock a stretch of recordings: no retention deletes it until it is unlocked */
  putLock: {
    method: 'PUT';
    path: '/api/v1/recordings/{id}/locks';
    params: { id: string };
    query: undefined;
    body: NewLock;
    response: Lock;
  };
  /** Unlock a stretch: what has expired meanwhile goes within seconds, or minutes after it was last played */
  deleteLock: {
    method: 'DELETE';
    path: '/api/v1/recordings/{id}/locks/{lock}';
    params: { id: string; lock: number };
    query: undefined;
    body: undefined;
    response: undefined;
  };
  /** Write a stretch of recordings as one MP4 file */
  createExport: {
    method: 'POST';
    path: '/api/v1/recordings/{id}/export';
    params: { id: string };
    query: undefined;
    body: NewExport;
    response: Export;
  };
  /** List the exports, oldest first */
  listExports: {
    method: 'GET';
    path: '/api/v1/exports';
    params: undefined;
    query: undefined;
    body: undefined;
    response: ExportList;
  };
  /** Show an export */
  getExport: {
    method: 'GET';
    path: '/api/v1/exports/{job}';
    params: { job: string };
    query: undefined;
    body: undefined;
    response: Export;
  };
  /** End an export and delete its file */
  deleteExport: {
    method: 'DELETE';
    path: '/api/v1/exports/{job}';
    params: { job: string };
    query: undefined;
    body: undefined;
    response: undefined;
  };
  /** Fetch the file of an export, or a range of it */
  getExportFile: {
    method: 'GET';
    path: '/api/v1/exports/{job}/file';
    params: { job: string };
    query: undefined;
    body: undefined;
    response: unknown;
  };
  /** Get a picture of a stream as JPEG */
  getSnapshot: {
    method: 'GET';
    path: '/api/v1/streams/{id}/snapshot';
    params: { id: string };
    query: { mode?: "auto" | "keyframe" | "decode"; width?: number; height?: number };
    body: undefined;
    response: unknown;
  };
  /** Get the recorded key picture at or before an instant as JPEG */
  getRecordedSnapshot: {
    method: 'GET';
    path: '/api/v1/recordings/{id}/snapshot';
    params: { id: string };
    query: { time: string | number; width?: number; height?: number };
    body: undefined;
    response: unknown;
  };
  /** List the key pictures that were recorded */
  listKeyFrames: {
    method: 'GET';
    path: '/api/v1/recordings/{id}/keyframes';
    params: { id: string };
    query: { start: string | number; end: string | number; interval?: number; limit?: number };
    body: undefined;
    response: KeyFrames;
  };
  /** Show how full the storage is, and how many days fit */
  getStorage: {
    method: 'GET';
    path: '/api/v1/storage';
    params: undefined;
    query: undefined;
    body: undefined;
    response: Storage;
  };
  /** List the systems that streams are registered in, and how each stream stands there */
  listRegistrations: {
    method: 'GET';
    path: '/api/v1/registrations';
    params: undefined;
    query: undefined;
    body: undefined;
    response: {
      registrations: {
        name: string;
        type: "flussonic" | "watcher" | "request";
        url: string;
        /** why the last attempt failed; null while the system is reached */
        failure: string | null;
        streams: {
          stream_id: string;
          /** how it is called there */
          remote_name: string;
          state: "registered" | "pending" | "refused" | "conflict";
          reason: string | null;
        }[];
      }[];
    };
  };
  /** List the enrolment tokens */
  listEnrolmentTokens: {
    method: 'GET';
    path: '/api/v1/agents/enrolment-tokens';
    params: undefined;
    query: undefined;
    body: undefined;
    response: {
      tokens: EnrolmentToken[];
    };
  };
  /** Make a token that lets agents in; it is shown this once */
  createEnrolmentToken: {
    method: 'POST';
    path: '/api/v1/agents/enrolment-tokens';
    params: undefined;
    query: undefined;
    body: NewEnrolmentToken;
    response: {
      id: string;
      name: string;
      created_by: string;
      /** RFC 3339 with milliseconds, UTC */
      created: string;
      /** RFC 3339 with milliseconds, UTC */
      expires: string;
      uses: number;
      max_uses: number;
      token: string;
    };
  };
  /** Take an enrolment token back; agents that used it stay */
  revokeEnrolmentToken: {
    method: 'DELETE';
    path: '/api/v1/agents/enrolment-tokens/{token}';
    params: { token: string };
    query: undefined;
    body: undefined;
    response: undefined;
  };
  /** List the agents and the cameras they found */
  listAgents: {
    method: 'GET';
    path: '/api/v1/agents';
    params: undefined;
    query: undefined;
    body: undefined;
    response: {
      agents: Agent[];
    };
  };
  /** Revoke an agent: its tunnel ends, and it is not let in again */
  revokeAgent: {
    method: 'DELETE';
    path: '/api/v1/agents/{id}';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: undefined;
  };
  /** Forget the key of an agent: the next one of this id with a good token is taken */
  releaseAgent: {
    method: 'POST';
    path: '/api/v1/agents/{id}/release';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: undefined;
  };
  /** Tell an agent to do something, and wait for its answer */
  commandAgent: {
    method: 'POST';
    path: '/api/v1/agents/{id}/commands';
    params: { id: string };
    query: undefined;
    body: AgentCommand;
    response: AgentCommandResult;
  };
  /** Make streams of the cameras that an agent found */
  adoptCameras: {
    method: 'POST';
    path: '/api/v1/agents/{id}/adopt';
    params: { id: string };
    query: undefined;
    body: AdoptCameras;
    response: {
      streams: string[];
    };
  };
  /** Make a link to a camera's own web page; it works once, and on a port of its own */
  linkCameraPage: {
    method: 'POST';
    path: '/api/v1/agents/{id}/page';
    params: { id: string };
    query: undefined;
    body: CameraPage;
    response: CameraPageLink;
  };
  /** List the tunnels of agents */
  listTunnels: {
    method: 'GET';
    path: '/api/v1/tunnels';
    params: undefined;
    query: undefined;
    body: undefined;
    response: {
      tunnels: Tunnel[];
    };
  };
  /** Show the tunnel of an agent */
  getTunnel: {
    method: 'GET';
    path: '/api/v1/tunnels/{id}';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: {
      tunnel: Tunnel;
    };
  };
  /** Have an agent connect anew; connections through its tunnel end */
  restartTunnel: {
    method: 'POST';
    path: '/api/v1/tunnels/{id}/restart';
    params: { id: string };
    query: undefined;
    body: undefined;
    response: undefined;
  };
  /** Show how the server does: its process, and the outputs that listen */
  getServer: {
    method: 'GET';
    path: '/api/v1/server';
    params: undefined;
    query: undefined;
    body: undefined;
    response: Server;
  };
  /** Read the configuration file again, without dropping readers */
  reloadConfig: {
    method: 'POST';
    path: '/api/v1/config/reload';
    params: undefined;
    query: undefined;
    body: undefined;
    response: ConfigReload;
  };
  /** List events, or receive them as they happen */
  listEvents: {
    method: 'GET';
    path: '/api/v1/events';
    params: undefined;
    query: { before?: number; after?: number; stream_id?: string; type?: string; level?: "info" | "warning" | "error"; limit?: number };
    body: undefined;
    response: EventList;
  };
  /** Read this description */
  getDescription: {
    method: 'GET';
    path: '/api/v1/openapi.json';
    params: undefined;
    query: undefined;
    body: undefined;
    response: Record<string, unknown>;
  };
}
