import type { Stream } from '../../hub/stream.ts';
import type { Labels, MetricFamily, MetricType } from './exposition.ts';

const states = ['connecting', 'online', 'offline', 'awaiting_publisher', 'on_demand', 'stopped'];

const perStream: readonly {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly value: (stream: Stream) => number | undefined;
}[] = [
  {
    name: 'up',
    help: 'One while the stream is online.',
    type: 'gauge',
    value: ({ state }) => Number(state === 'online'),
  },
  {
    name: 'awaits_publisher',
    help: 'One while nobody sends a stream that is not pulled.',
    type: 'gauge',
    value: ({ awaitsPublisher }) => Number(awaitsPublisher),
  },
  {
    name: 'wanted',
    help: 'One while the stream is to be online: it is not stopped, awaits no publisher, and somebody wants it if it is on demand.',
    type: 'gauge',
    value: ({ awaitsPublisher, state }) => Number(!awaitsPublisher && state !== 'stopped' && state !== 'on_demand'),
  },
  { name: 'received_bytes_total', help: 'Bytes of media.', type: 'counter', value: ({ meter }) => meter.bytes },
  { name: 'received_packets_total', help: 'RTP packets.', type: 'counter', value: ({ meter }) => meter.packets },
  {
    name: 'received_frames_total',
    help: 'Pictures, or audio frames where there is no video.',
    type: 'counter',
    value: ({ meter }) => meter.frames,
  },
  { name: 'lost_packets_total', help: 'Packets that never came.', type: 'counter', value: ({ meter }) => meter.lost },
  {
    name: 'dropped_units_total',
    help: 'Units of media that could not be used, as after lost packets.',
    type: 'counter',
    value: ({ meter }) => meter.droppedUnits,
  },
  {
    name: 'reconnects_total',
    help: 'Sessions after the first.',
    type: 'counter',
    value: ({ meter }) => meter.reconnects,
  },
  {
    name: 'receive_bytes_per_second',
    help: 'Bytes per second over the last five seconds.',
    type: 'gauge',
    value: ({ meter }) => Math.round(meter.bitrate / 8),
  },
  {
    name: 'frames_per_second',
    help: 'Pictures per second over the last five seconds.',
    type: 'gauge',
    value: ({ meter }) => Math.round(meter.fps * 100) / 100,
  },
  {
    name: 'gop_seconds',
    help: 'From key picture to key picture.',
    type: 'gauge',
    value: ({ meter }) => meter.gopSeconds,
  },
  { name: 'cache_bytes', help: 'Bytes kept for readers.', type: 'gauge', value: ({ cacheBytes }) => cacheBytes },
];

/** What the streams carry: how many in each state, and counters of each. */
export function streamFamilies(streams: readonly Stream[]): readonly MetricFamily[] {
  return [
    {
      name: 'watchpost_streams',
      help: 'Streams by state; those that nobody pulls or sends await their publisher.',
      type: 'gauge',
      samples: states.map((state) => [{ state }, streams.filter((stream) => stateOf(stream) === state).length]),
    },
    ...perStream.map(({ name, help, type, value }) => ({
      name: `watchpost_stream_${name}`,
      help,
      type,
      samples: streams.flatMap((stream): [Labels, number][] => {
        const measured = value(stream);
        return measured === undefined ? [] : [[{ stream: stream.id }, measured]];
      }),
    })),
    {
      name: 'watchpost_stream_readers',
      help: 'Readers of the stream by protocol.',
      type: 'gauge',
      samples: streams.flatMap(readersOf),
    },
  ];
}

function stateOf({ awaitsPublisher, state }: Stream): string {
  return awaitsPublisher ? 'awaiting_publisher' : state;
}

function readersOf(stream: Stream): readonly (readonly [Labels, number])[] {
  const counts = new Map<string, number>();
  for (const { protocol } of stream.readers) counts.set(protocol, (counts.get(protocol) ?? 0) + 1);
  return [...counts].map(([protocol, count]) => [{ stream: stream.id, protocol }, count] as const);
}
