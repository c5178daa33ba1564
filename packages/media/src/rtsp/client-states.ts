/** Where an `RtspClient` is. */
export type ClientState = 'idle' | 'options' | 'describe' | 'setup' | 'play' | 'playing' | 'teardown' | 'ended';

/** What happens to an `RtspClient`. Replies are those to its main request; in `playing` those to a keep-alive. */
export type ClientEvent = 'start' | 'ok' | 'refused' | 'moved' | 'failed' | 'timeout' | 'teardown' | 'closed';

/** What an `RtspClient` does about it; `SPEC.md` says what each one means. */
export type ClientAction =
  | 'sendOptions'
  | 'readOptions'
  | 'skipOptions'
  | 'readDescription'
  | 'readSetup'
  | 'retrySetup'
  | 'readPlay'
  | 'playUnanswered'
  | 'authenticate'
  | 'redirect'
  | 'readKeepAlive'
  | 'keepAliveFailed'
  | 'sendTeardown'
  | 'fail'
  | 'failTimeout'
  | 'failClosed'
  | 'finish'
  | 'ignore';

/** One cell of the table. */
export interface ClientRule {
  /** Id in `SPEC.md` and in the tests. */
  readonly id: string;
  readonly action: ClientAction;
  /** States that the action may lead to. */
  readonly to: readonly ClientState[];
}

const fail = (id: string, action: 'fail' | 'failTimeout' | 'failClosed'): ClientRule => ({ id, action, to: ['ended'] });
const ignore = (id: string, state: ClientState): ClientRule => ({ id, action: 'ignore', to: [state] });
const authenticate = (state: ClientState): ClientRule => ({
  id: 'RC-10',
  action: 'authenticate',
  to: [state, 'ended'],
});
const redirect: ClientRule = { id: 'RC-11', action: 'redirect', to: ['idle', 'ended'] };
const finish = (id: string): ClientRule => ({ id, action: 'finish', to: ['ended'] });
const sendTeardown: ClientRule = { id: 'RC-16', action: 'sendTeardown', to: ['teardown', 'ended'] };

/** The transition table of the RTSP client: total, so that no event meets a state unprepared. */
export const clientTable: Readonly<Record<ClientState, Readonly<Record<ClientEvent, ClientRule>>>> = {
  idle: {
    start: { id: 'RC-01', action: 'sendOptions', to: ['options'] },
    ok: ignore('RC-90', 'idle'),
    refused: ignore('RC-90', 'idle'),
    moved: ignore('RC-90', 'idle'),
    failed: ignore('RC-90', 'idle'),
    timeout: ignore('RC-90', 'idle'),
    teardown: finish('RC-17'),
    closed: ignore('RC-91', 'idle'),
  },
  options: {
    start: ignore('RC-92', 'options'),
    ok: { id: 'RC-02', action: 'readOptions', to: ['describe'] },
    refused: authenticate('options'),
    moved: redirect,
    failed: { id: 'RC-03', action: 'skipOptions', to: ['describe'] },
    timeout: fail('RC-20', 'failTimeout'),
    teardown: finish('RC-17'),
    closed: fail('RC-21', 'failClosed'),
  },
  describe: {
    start: ignore('RC-92', 'describe'),
    ok: { id: 'RC-04', action: 'readDescription', to: ['setup', 'ended'] },
    refused: authenticate('describe'),
    moved: redirect,
    failed: fail('RC-22', 'fail'),
    timeout: fail('RC-20', 'failTimeout'),
    teardown: finish('RC-17'),
    closed: fail('RC-21', 'failClosed'),
  },
  setup: {
    start: ignore('RC-92', 'setup'),
    ok: { id: 'RC-05', action: 'readSetup', to: ['setup', 'play', 'ended'] },
    refused: authenticate('setup'),
    moved: redirect,
    failed: { id: 'RC-08', action: 'retrySetup', to: ['setup', 'ended'] },
    timeout: fail('RC-20', 'failTimeout'),
    teardown: sendTeardown,
    closed: fail('RC-21', 'failClosed'),
  },
  play: {
    start: ignore('RC-92', 'play'),
    ok: { id: 'RC-06', action: 'readPlay', to: ['playing'] },
    refused: authenticate('play'),
    moved: redirect,
    failed: fail('RC-22', 'fail'),
    timeout: { id: 'RC-07', action: 'playUnanswered', to: ['playing', 'ended'] },
    teardown: sendTeardown,
    closed: fail('RC-21', 'failClosed'),
  },
  playing: {
    start: ignore('RC-92', 'playing'),
    ok: { id: 'RC-12', action: 'readKeepAlive', to: ['playing'] },
    refused: authenticate('playing'),
    moved: ignore('RC-13', 'playing'),
    failed: { id: 'RC-14', action: 'keepAliveFailed', to: ['playing', 'ended'] },
    timeout: ignore('RC-15', 'playing'),
    teardown: sendTeardown,
    closed: fail('RC-21', 'failClosed'),
  },
  teardown: {
    start: ignore('RC-92', 'teardown'),
    ok: finish('RC-18'),
    refused: authenticate('teardown'),
    moved: finish('RC-18'),
    failed: finish('RC-18'),
    timeout: finish('RC-19'),
    teardown: ignore('RC-92', 'teardown'),
    closed: finish('RC-19'),
  },
  ended: {
    start: ignore('RC-93', 'ended'),
    ok: ignore('RC-93', 'ended'),
    refused: ignore('RC-93', 'ended'),
    moved: ignore('RC-93', 'ended'),
    failed: ignore('RC-93', 'ended'),
    timeout: ignore('RC-93', 'ended'),
    teardown: ignore('RC-93', 'ended'),
    closed: ignore('RC-93', 'ended'),
  },
};

/** What a final status (RFC 2326 §7.1.1) means for the session. */
export function eventOf(status: number): ClientEvent {
  if (status < 300) return 'ok';
  if (status === 401) return 'refused';
  return status < 400 ? 'moved' : 'failed';
}
