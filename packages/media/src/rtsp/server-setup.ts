import type { ServedTrack, SetupAnswer } from './server-types.ts';
import { parseTransport, type TransportSpec, writeTransport } from './transport.ts';

/** What a server has to choose a transport by. */
export interface TransportChoice {
  /** The client will send. */
  readonly record: boolean;
  readonly udp: boolean;
  readonly multicast: boolean;
  /** Tracks of the session so far: all go the same way. */
  readonly tracks: readonly ServedTrack[];
}

/** The first transport of a `Transport` header that a server can do; undefined where it can do none. */
export function chooseTransport(header: string, choice: TransportChoice): TransportSpec | undefined {
  const { record, udp, multicast, tracks } = choice;
  const spec = parseTransport(header).find((offered) => {
    const records = offered.mode === 'record' || offered.mode === 'receive';
    if (offered.secure || (offered.mode !== undefined && records !== record)) return false;
    if (offered.lower === 'tcp') return true;
    if (offered.multicast) return !record && multicast;
    return udp && offered.clientPort !== undefined && !offered.clientPort.includes(0);
  });
  return spec && tracks.every((track) => track.lower === deliveryOf(spec)) ? spec : undefined;
}

/** How the packets of a track go. */
export function deliveryOf({ lower, multicast }: TransportSpec): ServedTrack['lower'] {
  return lower === 'udp' && multicast ? 'multicast' : lower;
}

/** The channels asked for, or others where those are taken (RFC 2326 §12.39 leaves the choice to the server). */
export function freeChannels(
  asked: readonly [number, number] | undefined,
  tracks: readonly ServedTrack[],
): readonly [number, number] {
  const isFree = (channel: number) =>
    tracks.every((track) => track.rtpChannel !== channel && track.rtcpChannel !== channel);
  if (asked && asked[0] !== asked[1] && isFree(asked[0]) && isFree(asked[1])) return asked;
  let channel = 0;
  while (!isFree(channel) || !isFree(channel + 1)) channel += 2;
  return [channel, channel + 1];
}

/** The `Transport` header of the answer to a SETUP. */
export function transportAnswer(
  spec: TransportSpec,
  channels: readonly [number, number],
  { answer, record }: { readonly answer: SetupAnswer; readonly record: boolean },
): string {
  const { lower, clientPort, mode } = spec;
  const { serverPort, group } = answer;
  const isUdp = lower === 'udp';
  return writeTransport({
    profile: isUdp ? 'RTP/AVP' : 'RTP/AVP/TCP',
    lower,
    secure: false,
    multicast: group !== undefined,
    ...(group && { destination: group.address, port: group.ports, ttl: group.ttl }),
    ...(!isUdp && { interleaved: channels }),
    ...(isUdp && clientPort && !group && { clientPort }),
    ...(serverPort && { serverPort }),
    ...(record && mode !== undefined && { mode }),
  });
}
