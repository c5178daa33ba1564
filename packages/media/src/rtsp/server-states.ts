/** Where an `RtspServer` connection is (RFC 2326 appendix A.2). */
export type ServerState = 'init' | 'ready' | 'playing' | 'ended';

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
  | 'play'
  | 'playAgain'
  | 'pause'
  | 'alive'
  | 'teardown'
  | 'invalidState'
  | 'notAllowed'
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
  ANNOUNCE: { id: 'RS-10', action: 'notAllowed' },
  RECORD: { id: 'RS-10', action: 'notAllowed' },
  OTHER: { id: 'RS-11', action: 'notImplemented' },
} as const satisfies Partial<Record<ServerMethod, ServerRule>>;

const invalid: ServerRule = { id: 'RS-09', action: 'invalidState' };
const ignore: ServerRule = { id: 'RS-12', action: 'ignore' };

/** The table of the RTSP server: total, so that no method meets a state unprepared. */
export const serverTable: Readonly<Record<ServerState, Readonly<Record<ServerMethod, ServerRule>>>> = {
  init: { ...always, SETUP: { id: 'RS-03', action: 'setup' }, PLAY: invalid, PAUSE: invalid },
  ready: {
    ...always,
    SETUP: { id: 'RS-03', action: 'setup' },
    PLAY: { id: 'RS-04', action: 'play' },
    PAUSE: { id: 'RS-06', action: 'pause' },
  },
  playing: {
    ...always,
    SETUP: invalid,
    PLAY: { id: 'RS-05', action: 'playAgain' },
    PAUSE: { id: 'RS-06', action: 'pause' },
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
