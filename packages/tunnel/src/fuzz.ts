import { ManualClock } from '@watchpost/base/clock.ts';
import { BackfillReader, writeBackfillRecord } from './backfill/record.ts';
import { frameType, makeFrame, makeNumberFrame } from './frame.ts';
import {
  parseChallenge,
  parseHello,
  parseProof,
  parseRefused,
  parseWelcome,
  writeHello,
  writeWelcome,
} from './handshake/messages.ts';
import { utf8 } from './json-object.ts';
import { parseAgentMessage, writeAgentMessage } from './messages/agent-message.ts';
import { parseChannelRequest, writeChannelRequest } from './messages/request.ts';
import { parseServerMessage } from './messages/server-message.ts';
import { TunnelSession } from './session.ts';
import { agentLimits, announcedLimits, serverLimits } from './session-limits.ts';
import type { SessionHandler, Transport } from './types.ts';

const peer = announcedLimits(agentLimits, serverLimits.maxChannels);
const limits = announcedLimits(serverLimits, agentLimits.maxChannels);

/** Well-formed messages of each kind. */
export const seeds: readonly Uint8Array[] = [
  makeFrame(frameType.open, 1, Uint8Array.of(1, ...writeChannelRequest({ kind: 'tcp', host: '127.0.0.1', port: 554 }))),
  makeFrame(frameType.data, 2, new Uint8Array(40)),
  makeFrame(frameType.message, 0, writeAgentMessage({ type: 'health', health: { uptime_s: 1 } })),
  makeFrame(frameType.goAway, 0, utf8('{"reason":"shutdown","retry_after_ms":5}')),
  makeNumberFrame(frameType.ack, 0),
  makeNumberFrame(frameType.ping, 1),
  writeHello({
    minVersion: 1,
    maxVersion: 1,
    agentId: 'gate',
    publicKey: new Uint8Array(32),
    nonce: new Uint8Array(32),
    instance: 'i',
    limits,
  }),
  writeWelcome({ session: 's', resumed: true, received: 1, epoch: 1, graceMs: 1, limits }),
  writeAgentMessage({ type: 'targets', targets: [{ host: 'a', port: 1, service: 'tcp' }] }),
  writeBackfillRecord({ kind: 'tracks', timeMs: 1, sdp: 'v=0' }),
];

const transport: Transport = { send: () => {}, bufferedBytes: 0, close: () => {} };
const handler: SessionHandler = {
  open: (channel) =>
    channel.accept({
      data: (bytes) => channel.consume(bytes.length),
      end: () => {},
      closed: () => {},
      drain: () => {},
    }),
  message: (bytes) => void parseAgentMessage(bytes),
  linkLost: () => {},
  closed: () => {},
};

/** Every parser of what comes through a tunnel takes any bytes: a session ends, a parser throws `malformed`, nothing else. */
export function fuzz(bytes: Uint8Array): void {
  const clock = new ManualClock();
  const session = new TunnelSession({ role: 'server', clock, handler, limits: serverLimits, peer, graceMs: 1 });
  session.attach(transport, 0);
  session.open(new Uint8Array(0), 'live', { data: () => {}, end: () => {}, closed: () => {}, drain: () => {} });
  session.receive(bytes.slice());
  session.close('canceled');
  const parsers = [
    parseHello,
    parseChallenge,
    parseProof,
    parseWelcome,
    parseRefused,
    parseAgentMessage,
    parseServerMessage,
    parseChannelRequest,
    (input: Uint8Array) => new BackfillReader(() => {}).receive(input),
  ];
  let failure: unknown;
  for (const parse of parsers)
    try {
      parse(bytes);
    } catch (thrown) {
      if (!(thrown instanceof Error) || thrown.name !== 'WatchpostError') throw thrown;
      failure = thrown;
    }
  if (failure) throw failure;
}
