import type { IncomingMessage } from 'node:http';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { type ContentKind, detectContent, enoughToDetect } from '@watchpost/media/container/detect-content.ts';
import type { AmfValue } from '@watchpost/media/container/flv/amf0.ts';
import { FlvDemuxer } from '@watchpost/media/container/flv/demuxer.ts';
import { announcedKinds } from '@watchpost/media/container/flv/metadata.ts';
import { TsDemuxer } from '@watchpost/media/container/mpeg-ts/demuxer.ts';
import type { Track } from '@watchpost/media/types.ts';
import { overTransport } from '../../hub/over-transport.ts';
import type { TimedUnit } from '../../hub/timed-units.ts';
import type { Publish, SourceUnit } from '../../hub/types.ts';
import { UnitInput } from '../../hub/unit-input.ts';
import { HlsPull } from './hls.ts';
import { type HttpPullOptions, HttpSource } from './http-source.ts';
import { Pace } from './pace.ts';
import { PacedInput } from './paced-input.ts';

/** What goes on without an end. */
type StreamKind = Exclude<ContentKind, 'hls' | 'mp4'>;

const maxPlaylistBytes = 4 * 1024 * 1024;
/** MPEG-TS may hold sound of a low bit rate back for so long, until a packet is full. */
const tsPatienceMs = 2500;

/** Pulls an address until its signal aborts or the content ends; what it is is told by its first bytes. Rejects with the reason. */
export async function pullHttp(options: HttpPullOptions, publish: Publish): Promise<void> {
  const { context, counters } = options;
  const { signal, clock } = context;
  const source = new HttpSource(options);
  let isSecure = false;
  const input = new UnitInput(
    overTransport(publish, () => (isSecure ? 'tls' : 'tcp')),
    clock,
  );
  counters.sessions++;
  try {
    const { url, body } = await source.get(source.url);
    isSecure = url.startsWith('https:');
    try {
      const parts = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
      const { kind, head } = await detect(parts, body);
      if (kind === 'hls') {
        const text = (await readRest(parts, head)).toString('utf8');
        await new HlsPull(source, input, context).run({ url, text });
      } else await readStream({ kind, head, parts, body, input, source, options });
      // A file may be over before it is known that it has no sound.
      input.close();
    } finally {
      body.destroy();
    }
  } catch (thrown) {
    throw signal.aborted ? toWatchpostError(signal.reason) : toWatchpostError(thrown, 'HTTP_FAILED');
  } finally {
    counters.sessions--;
  }
}

async function detect(
  parts: AsyncIterator<Buffer>,
  body: IncomingMessage,
): Promise<{ kind: StreamKind | 'hls'; head: Buffer }> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < enoughToDetect) {
    const { value, done } = await parts.next();
    if (done) break;
    head = head.length === 0 ? value : Buffer.concat([head, value]);
    if (detectContent(head) === 'hls') break;
  }
  const kind = detectContent(head);
  if (kind !== undefined && kind !== 'mp4') return { kind, head };
  const type = body.headers['content-type'] ?? 'unknown content';
  throw new WatchpostError(
    `What the address gives ("${type.slice(0, 100)}") is neither HLS, FLV nor MPEG-TS — check the path of the address`,
    { kind: 'unsupported', code: 'HTTP_CONTENT' },
  );
}

async function readRest(parts: AsyncIterator<Buffer>, head: Buffer): Promise<Buffer> {
  const all = [head];
  let length = head.length;
  for (let part = await parts.next(); !part.done; part = await parts.next()) {
    length += part.value.length;
    if (length > maxPlaylistBytes) {
      throw new WatchpostError('The playlist is too large', { kind: 'resource_exhausted', code: 'HTTP_TOO_LARGE' });
    }
    all.push(part.value);
  }
  return Buffer.concat(all);
}

/** FLV or MPEG-TS without an end, or a file of it, which is played at its own pace. */
async function readStream(stream: {
  readonly kind: StreamKind;
  readonly head: Buffer;
  readonly parts: AsyncIterator<Buffer>;
  readonly body: IncomingMessage;
  readonly input: UnitInput;
  readonly source: HttpSource;
  readonly options: HttpPullOptions;
}): Promise<void> {
  const { kind, head, parts, body, input, source, options } = stream;
  const { clock, signal } = options.context;
  const isFile = body.headers['content-length'] !== undefined;
  const paced = isFile ? new PacedInput({ input, signal, pace: new Pace(clock) }) : undefined;
  let units: TimedUnit[] = [];
  const demuxer = makeDemuxer(kind, {
    announced: (kinds) => input.expect(kinds, tsPatienceMs),
    track: (track) => {
      if (!isFile) input.track(track);
    },
    unit: (track, unit) => {
      if (isFile) units.push({ track, unit });
      else input.unit(track, unit);
    },
    script: (values) => {
      const kinds = announcedKinds(values);
      if (kinds) input.expect(kinds);
    },
  });
  for (let part: Buffer = head; ; ) {
    source.count(part.length);
    demuxer.push(part);
    if (paced !== undefined) {
      await paced.write(units);
      units = [];
    } else input.flush();
    const { value, done } = await parts.next();
    if (done) break;
    part = value;
  }
  demuxer.flush();
  await paced?.write(units);
  input.flush();
}

interface Sink {
  announced(kinds: { readonly video: boolean; readonly audio: boolean }): void;
  track(track: Track): void;
  unit(track: Track, unit: SourceUnit): void;
  script(values: readonly AmfValue[]): void;
}

function makeDemuxer(kind: StreamKind, sink: Sink): { push(bytes: Uint8Array): void; flush(): void } {
  if (kind === 'ts') return new TsDemuxer(sink);
  const demuxer = new FlvDemuxer(sink);
  return { push: (bytes) => demuxer.push(bytes), flush: () => {} };
}
