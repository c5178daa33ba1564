/**
 * Where an `RtspServer` session is (RFC 2326 appendix A.2). `announced` is the recorder's "init" and "ready": the client
 * has said what it will send.
 */
export type ServerState = 'init' | 'ready' | 'playing' | 'announced' | 'recording' | 'ended';

/** Methods that the table knows; every other one is `OTHER`. */
export type ServerMethod =
  | 'OPTIONS'
  | 'DESCRIBE'
  | 'ANNOUNCE'
  | 'SETUP'
  | 'PLAY'
  | 'RECORD'
  | 'PAUSE'
  | 'GET_PARAMETER'
  | 'SET_PARAMETER'
  | 'TEARDOWN'
  | 'OTHER';

/** What an `RtspServer` does about a request; `SPEC.md` says what each one means. */
export type ServerAction =
  | 'options'
  | 'describe'
  | 'setup'
  | 'setupRecord'
  | 'play'
  | 'again'
  | 'announce'
  | 'record'
  | 'pause'
  | 'alive'
  | 'teardown'
  | 'invalidState'
  | 'notImplemented'
  | 'ignore';

/** One cell of the table. */
export interface ServerRule {
  /** Id in `SPEC.md` and in the tests. */
  readonly id: string;
  readonly action: ServerAction;
}

const always = {
  OPTIONS: { id: 'RS-01', action: 'options' },
  DESCRIBE: { id: 'RS-02', action: 'describe' },
  GET_PARAMETER: { id: 'RS-07', action: 'alive' },
  SET_PARAMETER: { id: 'RS-07', action: 'alive' },
  TEARDOWN: { id: 'RS-08', action: 'teardown' },
  OTHER: { id: 'RS-11', action: 'notImplemented' },
} as const satisfies Partial<Record<ServerMethod, ServerRule>>;

const invalid: ServerRule = { id: 'RS-09', action: 'invalidState' };
const ignore: ServerRule = { id: 'RS-12', action: 'ignore' };

/** The table of the RTSP server: total, so that no method meets a state unprepared. */
export const serverTable: Readonly<Record<ServerState, Readonly<Record<ServerMethod, ServerRule>>>> = {
  init: {
    ...always,
    ANNOUNCE: { id: 'RS-10', action: 'announce' },
    SETUP: { id: 'RS-03', action: 'setup' },
    PLAY: invalid,
    RECORD: invalid,
    PAUSE: invalid,
  },
  ready: {
    ...always,
    ANNOUNCE: invalid,
    SETUP: { id: 'RS-03', action: 'setup' },
    PLAY: { id: 'RS-04', action: 'play' },
    RECORD: invalid,
    PAUSE: { id: 'RS-06', action: 'pause' },
  },
  playing: {
    ...always,
    ANNOUNCE: invalid,
    SETUP: invalid,
    PLAY: { id: 'RS-05', action: 'again' },
    RECORD: invalid,
    PAUSE: { id: 'RS-06', action: 'pause' },
  },
  announced: {
    ...always,
    ANNOUNCE: invalid,
    SETUP: { id: 'RS-13', action: 'setupRecord' },
    PLAY: invalid,
    RECORD: { id: 'RS-14', action: 'record' },
    PAUSE: invalid,
  },
  recording: {
    ...always,
    ANNOUNCE: invalid,
    SETUP: invalid,
    PLAY: invalid,
    RECORD: { id: 'RS-15', action: 'again' },
    PAUSE: { id: 'RS-16', action: 'pause' },
  },
  ended: {
    OPTIONS: ignore,
    DESCRIBE: ignore,
    ANNOUNCE: ignore,
    SETUP: ignore,
    PLAY: ignore,
    RECORD: ignore,
    PAUSE: ignore,
    GET_PARAMETER: ignore,
    SET_PARAMETER: ignore,
    TEARDOWN: ignore,
    OTHER: ignore,
  },
};
