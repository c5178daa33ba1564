/** Where a connection is. */
export type RtmpServerState = 'handshake' | 'connecting' | 'idle' | 'asking' | 'publishing' | 'playing';

/** What an `RtmpServer` does about a command; `SPEC.md` says what each one means. */
export type RtmpServerAction =
  | 'connect'
  | 'createStream'
  | 'publish'
  | 'play'
  | 'pause'
  | 'stop'
  | 'prepare'
  | 'unprepare'
  | 'length'
  | 'bandwidth'
  | 'seek'
  | 'ignore'
  | 'unknown'
  | 'early'
  | 'busy';

/** One cell of the table. */
export interface RtmpServerRule {
  /** Id in `SPEC.md` and in the tests. */
  readonly id: string;
  readonly action: RtmpServerAction;
}

const always: Readonly<Record<string, RtmpServerRule>> = {
  createStream: { id: 'MS-02', action: 'createStream' },
  initStream: { id: 'MS-02', action: 'createStream' },
  releaseStream: { id: 'MS-05', action: 'prepare' },
  FCPublish: { id: 'MS-05', action: 'prepare' },
  FCSubscribe: { id: 'MS-05', action: 'prepare' },
  FCUnpublish: { id: 'MS-06', action: 'unprepare' },
  FCUnsubscribe: { id: 'MS-06', action: 'unprepare' },
  deleteStream: { id: 'MS-07', action: 'stop' },
  closeStream: { id: 'MS-07', action: 'stop' },
  getStreamLength: { id: 'MS-08', action: 'length' },
  _checkbw: { id: 'MS-09', action: 'bandwidth' },
  checkBandwidth: { id: 'MS-09', action: 'bandwidth' },
  seek: { id: 'MS-11', action: 'seek' },
  receiveAudio: { id: 'MS-12', action: 'ignore' },
  receiveVideo: { id: 'MS-12', action: 'ignore' },
  _result: { id: 'MS-12', action: 'ignore' },
  _error: { id: 'MS-12', action: 'ignore' },
  onStatus: { id: 'MS-12', action: 'ignore' },
};

/** Commands once connected, by state. */
const byState: Readonly<Record<'idle' | 'publishing' | 'playing', Readonly<Record<string, RtmpServerRule>>>> = {
  idle: {
    publish: { id: 'MS-03', action: 'publish' },
    play: { id: 'MS-04', action: 'play' },
    play2: { id: 'MS-04', action: 'play' },
    pause: { id: 'MS-12', action: 'ignore' },
    pauseRaw: { id: 'MS-12', action: 'ignore' },
  },
  publishing: {
    publish: { id: 'MS-21', action: 'busy' },
    play: { id: 'MS-21', action: 'busy' },
  },
  playing: {
    publish: { id: 'MS-21', action: 'busy' },
    play: { id: 'MS-21', action: 'busy' },
    pause: { id: 'MS-10', action: 'pause' },
    pauseRaw: { id: 'MS-10', action: 'pause' },
  },
};

/** What to do about a command in a state. Commands in `asking` wait and never come here. */
export function serverRule(state: RtmpServerState, name: string): RtmpServerRule {
  if (state === 'handshake' || state === 'connecting') {
    return name === 'connect' ? { id: 'MS-01', action: 'connect' } : { id: 'MS-20', action: 'early' };
  }
  const rules = byState[state === 'asking' ? 'idle' : state];
  if (Object.hasOwn(rules, name)) return rules[name]!;
  if (Object.hasOwn(always, name)) return always[name]!;
  return name === 'connect' ? { id: 'MS-12', action: 'ignore' } : { id: 'MS-22', action: 'unknown' };
}
