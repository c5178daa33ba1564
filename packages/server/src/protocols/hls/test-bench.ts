import { fromHex } from '@watchpost/base/bytes.ts';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { Track } from '@watchpost/media/types.ts';
import { lastingGrant } from '../../hub/grant.ts';
import { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import { StreamHub } from '../../hub/stream-hub.ts';
import { createHttpServer } from '../../net/http-server.ts';
import { createHlsProtocol } from './protocol.ts';

/** Sound as cameras without AAC send it. */
export const alaw: Track = {
  id: 0,
  kind: 'audio',
  codec: 'pcma',
  clockRate: 8000,
  sampleRate: 8000,
  channels: 1,
  parameterSets: [],
};

/** A server of HLS on a clock of its own, and a camera "gate" with one track. */
export async function setUp(track = alaw, section: Readonly<Record<string, unknown>> = {}) {
  const clock = new ManualClock(Date.UTC(2026, 1, 11));
  const hub = new StreamHub({
    ...{ clock, logger: silentLogger, reconnectDelayMs: 1000 },
    protocolFor: () => undefined,
    pull: async () => {},
  });
  const stream = await hub.define({
    ...{ id: 'gate', title: '', protocol: 'test', sources: [], record: false, onDemand: false, stopped: false },
    origin: 'api',
  });
  stream.setState('connecting');
  const publisher = stream.publish([{ track, format: {} }]);
  let ticks = 0;
  const play = (ms: number) => {
    for (const untilMs = clock.monotonicMs() + ms; clock.monotonicMs() < untilMs; clock.advance(20)) {
      publisher.writeUnit(0, { pts: ticks, dts: ticks, key: true, units: [new Uint8Array(160)] });
      publisher.flush();
      ticks += 160;
    }
  };
  let current = section;
  const configure = (next: Readonly<Record<string, unknown>>) => {
    current = next;
  };
  const currentSection = () => current;
  const http = createHttpServer({ logger: silentLogger });
  const live = new LiveFmp4({ clock });
  const hls = createHlsProtocol({ live });
  const { signal } = new AbortController();
  const dial = () => Promise.reject(new Error('no'));
  const access = { authorize: async () => lastingGrant };
  const context = { clock, logger: silentLogger, signal, dial, section, currentSection, http, access };
  const listener = await hls.listen!(hub, context);
  /** Asks for the playlist while `meanwhile` runs the clock. */
  const ask = async (meanwhile: () => void = () => {}, query = '') => {
    const answer = http.app.inject({ url: `/hls/gate/index.m3u8${query}` }).then((response) => response);
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      meanwhile();
    }
    return answer;
  };
  const end = async () => {
    await listener[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();
    await http.close();
  };
  return { clock, hub, stream, live, hls, http, play, ask, end, configure };
}

/** 640x480 at 25 pictures a second. */
export const h264: Track = {
  ...{ id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, width: 640, height: 480, fps: 25 },
  parameterSets: [fromHex('6742c01ed900a03db011000003000100000300320f162e48'), fromHex('68cb83cb20')],
};

/** The same with a camera of H.264, a picture each 40 ms. */
export async function watchH264(
  options: { readonly other?: Track; readonly gop?: number; readonly section?: Readonly<Record<string, unknown>> } = {},
) {
  const { other, gop = 25, section = {} } = options;
  const parts = await setUp({ ...h264 }, section);
  const { stream, clock } = parts;
  let publisher = stream.publish([{ track: { ...h264 }, format: {} }]);
  let count = 0;
  const show = (pictures: number) => {
    for (let i = 0; i < pictures; i++, count++) {
      const key = count % gop === 0;
      const units = [Uint8Array.from({ length: 300 }, (_, at) => (at === 0 ? (key ? 0x65 : 0x41) : 7))];
      publisher.writeUnit(0, { pts: count * 3600, dts: count * 3600, key, units });
      publisher.flush();
      clock.advance(40);
    }
  };
  const renew = () => {
    publisher = stream.publish([{ track: { ...h264 }, format: {} }, ...(other ? [{ track: other, format: {} }] : [])]);
    count = 0;
  };
  return { ...parts, show, renew };
}
