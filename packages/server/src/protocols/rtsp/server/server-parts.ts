import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { RecordedSource } from '../../../catalog/recorded-source.ts';
import type { StreamHub } from '../../../hub/stream-hub.ts';
import type { AccessControl, LocatedStreams } from '../../../hub/types.ts';
import type { MulticastGroups } from './multicast-groups.ts';
import type { Play } from './play.ts';
import type { PlayerCounts } from './player.ts';
import type { RtpOutputs } from './rtp-output.ts';
import type { UdpPorts } from './udp-ports.ts';

/** How many clients one server takes. */
export interface ServerLimits {
  readonly maxConnections: number;
  readonly maxPlays: number;
}

/** What all connections of one listener share. */
export interface ServerParts {
  readonly hub: StreamHub;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly access: AccessControl;
  /** Streams without an id of their own. */
  readonly located?: LocatedStreams;
  readonly serverName: string;
  /** Digest is asked for beside Basic where there is no TLS. */
  readonly digest: boolean;
  readonly outputs: RtpOutputs;
  readonly ports: UdpPorts;
  readonly groups: MulticastGroups;
  /** By RTSP session id. */
  readonly plays: Map<string, Play>;
  /** Missing where there are no recordings. */
  readonly recordings?: RecordedSource;
  readonly counts: PlayerCounts;
  readonly limits: ServerLimits;
}
