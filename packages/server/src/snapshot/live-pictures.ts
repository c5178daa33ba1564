import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Sample } from '@watchpost/media/types.ts';
import { type CodedPictures, codedPictures, isPictureCodec } from '../decode/picture.ts';
import type { Stream } from '../hub/stream.ts';

/** Coded pictures of a live stream, with the time of the newest. */
export interface LivePictures {
  readonly pictures: CodedPictures;
  /** ms since 1970 UTC */
  readonly capturedMs: number;
}

/** Which picture: `keyframe` the newest key picture, `decode` the newest picture, `auto` the former while it is young. */
export type SnapshotMode = 'auto' | 'keyframe' | 'decode';

/** A key picture so young is as good as the newest picture. */
const youngMs = 2000;
/** How long a source that is being connected may take to its first key picture. */
const waitMs = 6000;

/**
 * Takes the newest pictures out of the cache of a stream; one that is only pulled on demand is pulled for it. Throws
 * `unavailable` with the stream's reason where it is offline, `unsupported` where it has no picture that can be decoded.
 */
export async function takePictures(stream: Stream, mode: SnapshotMode, nowMs: () => number): Promise<LivePictures> {
  let wake = () => {};
  const reader = stream.openReader({
    protocol: 'snapshot',
    start: 'gop',
    onReady: () => wake(),
    onClose: () => wake(),
  });
  const pull = () => reader.pull().filter((sample) => sample.track.kind === 'video');
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    wake();
  }, waitMs);
  try {
    const samples = pull();
    while (!samples.some(({ key }) => key) && isAwaited(stream) && !isLate) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
      samples.push(...pull());
    }
    return pick(stream, samples, { mode, nowMs: nowMs() });
  } finally {
    clearTimeout(timer);
    reader.close();
  }
}

function isAwaited({ state, tracks }: Stream): boolean {
  if (state === 'online') return tracks.some((track) => track.kind === 'video');
  return state === 'connecting' || state === 'on_demand';
}

function pick(stream: Stream, samples: readonly Sample[], asked: { mode: SnapshotMode; nowMs: number }): LivePictures {
  const at = samples.findLastIndex((sample) => sample.key);
  const key = samples[at];
  if (key === undefined) throw noPicture(stream);
  const isYoung = asked.nowMs - key.wallMs <= youngMs;
  const isWhole = asked.mode === 'decode' || (asked.mode === 'auto' && !isYoung);
  const taken = isWhole ? samples.slice(at).filter((sample) => sample.track === key.track) : [key];
  const pictures = codedPictures(key.track, taken);
  if (pictures === undefined) throw undecodable(stream);
  return { pictures, capturedMs: taken.at(-1)!.wallMs };
}

function noPicture(stream: Stream): WatchpostError {
  const hasVideo = stream.tracks.length === 0 || stream.tracks.some(({ kind }) => kind === 'video');
  if (!hasVideo || stream.tracks.some(({ kind, codec }) => kind === 'video' && !isPictureCodec(codec))) {
    return undecodable(stream);
  }
  const why =
    stream.reason?.message ?? (stream.state === 'online' ? 'no key picture came yet' : `it is ${stream.state}`);
  return new WatchpostError(`There is no picture of "${stream.id}" now: ${why}`, {
    kind: 'unavailable',
    code: stream.state === 'online' ? 'SNAPSHOT_NO_KEY_PICTURE' : 'STREAM_OFFLINE',
    context: { retryAfterSeconds: 5 },
  });
}

function undecodable({ id, tracks }: Stream): WatchpostError {
  const codec = tracks.find(({ kind }) => kind === 'video')?.codec;
  const message = codec === undefined ? `"${id}" has no video` : `Pictures of ${codec} ("${id}") are not decoded here`;
  return new WatchpostError(message, { kind: 'unsupported', code: 'SNAPSHOT_CODEC' });
}
