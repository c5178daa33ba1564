import type { Clock } from '@watchpost/base/clock.ts';
import { systemClock } from '@watchpost/base/clock.ts';
import { tunnelSection } from './agents/section.ts';
import { registrationsSection } from './automation/registrations/section.ts';
import { webhooksSection } from './automation/webhooks/section.ts';
import type { RecordedSource } from './catalog/recorded-source.ts';
import type { ConfigSections } from './config/types.ts';
import { installedDecoder } from './decode/installed-decoder.ts';
import { JpegDecoder } from './decode/jpeg-decoder.ts';
import type { CacheBudget } from './hub/cache-budget.ts';
import { LiveFmp4 } from './hub/live-fmp4/live-muxer.ts';
import type { Protocol } from './hub/types.ts';
import { createFileSource } from './protocols/file/index.ts';
import { fileSection } from './protocols/file/section.ts';
import { createFmp4Protocol } from './protocols/fmp4/protocol.ts';
import { fmp4Section } from './protocols/fmp4/section.ts';
import { createHlsProtocol } from './protocols/hls/protocol.ts';
import { hlsSection } from './protocols/hls/section.ts';
import { createFlvProtocol } from './protocols/http-flv/protocol.ts';
import { flvSection } from './protocols/http-flv/section.ts';
import { createHttpPull } from './protocols/http-pull/index.ts';
import { httpPullSection } from './protocols/http-pull/section.ts';
import { createMjpegProtocol } from './protocols/mjpeg/protocol.ts';
import { mjpegSection } from './protocols/mjpeg/section.ts';
import { createRtmp } from './protocols/rtmp/index.ts';
import { rtmpSection } from './protocols/rtmp/section.ts';
import { createRtsp } from './protocols/rtsp/index.ts';
import { rtspSection } from './protocols/rtsp/section.ts';
import { createTestClock } from './protocols/test-clock/index.ts';
import { testSection } from './protocols/test-clock/section.ts';
import { createUdpTs } from './protocols/udp-ts/index.ts';
import { udpSection } from './protocols/udp-ts/section.ts';
import { keyframeSection } from './recorder/key-pictures/section.ts';
import { schedulesSection } from './recorder/schedules-section.ts';
import { version } from './version.ts';

/** What protocols share. */
export interface ProtocolParts {
  readonly clock?: Clock;
  readonly budget?: CacheBudget;
  /** For those that play recordings; asked when they listen. */
  readonly recordings?: () => RecordedSource | undefined;
  /** The server's: it bounds how many pictures are decoded at once. */
  readonly decoder?: JpegDecoder;
  /** Absolute; see `createFileSource`. */
  readonly mediaDir?: () => string | undefined;
}

/** Sections of the configuration that the parts of this build bring, one line each. */
export const configSections: ConfigSections = [
  rtspSection,
  rtmpSection,
  httpPullSection,
  udpSection,
  testSection,
  fileSection,
  hlsSection,
  fmp4Section,
  flvSection,
  mjpegSection,
  webhooksSection,
  registrationsSection,
  schedulesSection,
  keyframeSection,
  tunnelSection,
];

/** All protocols of this build, one line each; outputs in order of preference. */
export function createProtocols(parts: ProtocolParts = {}): readonly Protocol[] {
  const live = new LiveFmp4({ clock: parts.clock ?? systemClock, ...(parts.budget && { budget: parts.budget }) });
  return [
    createFmp4Protocol({ live }),
    createHlsProtocol({ live }),
    createFlvProtocol(),
    createRtmp({ userAgent: `Watchpost/${version}` }),
    createHttpPull({ userAgent: `Watchpost/${version}` }),
    createUdpTs(),
    createTestClock(),
    createFileSource({ mediaDir: parts.mediaDir ?? (() => undefined) }),
    createMjpegProtocol({ decoder: parts.decoder ?? new JpegDecoder(installedDecoder()) }),
    createRtsp({ userAgent: `Watchpost/${version}`, ...(parts.recordings && { recordings: parts.recordings }) }),
  ];
}
