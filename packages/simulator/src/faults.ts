/** What a virtual camera does wrong, on purpose. All off by default; may be changed at any time. */
export interface CameraFaults {
  /** Closes all connections and refuses new ones, as a camera without power does. */
  readonly vanish?: boolean;
  /** Keeps connections open, answers requests, sends no media. */
  readonly freeze?: boolean;
  /** Sends everything but key pictures. */
  readonly freezeKeyFrames?: boolean;
  /** Announces sound and sends none, as with the microphone off. */
  readonly muted?: boolean;
  /** Bytes of garbage between any two frames (Canon VB-H47). */
  readonly garbageBytes?: number;
  /** Cuts the tail off every N-th interleaved frame, as firmware does that ignores short writes. */
  readonly dropTailEvery?: number;
  /** Plays another clip's pictures from the next key picture on: a change of resolution (`sub-h264`). */
  readonly clip?: string;
  /** Never sets the marker bit (FLIR M400). */
  readonly noMarker?: boolean;
  /** Parameter sets only in the stream, not in the description. */
  readonly inBandOnly?: boolean;
  /** Sends the next DESCRIBE here with 302, once. */
  readonly redirectOnce?: string;
  /** Ends sessions whose client is silent for so long; it is also the timeout that clients are told. */
  readonly sessionTimeoutMs?: number;
  /** How it treats viewers who want UDP: 461, nothing at all as behind a firewall, or packets only to where some came from. */
  readonly udp?: 'refused' | 'silent' | 'behind-nat';
  /** What its loudspeaker takes, for viewers who ask for it; `none`: it has none, and refuses them. `pcma` if missing. */
  readonly backChannel?: 'pcma' | 'pcmu' | 'aac' | 'none';
  /** Runs the clock of the sound too fast, in parts per million; negative: too slow. */
  readonly audioDriftPpm?: number;
  /** How far the wall clock of its sender reports is ahead, ms; negative: behind. */
  readonly clockAheadMs?: number;
}

/** A single wrong step of all RTP timestamps: an hour ahead, 5 s back, to zero, or to 2 s before the 32-bit wrap. */
export type TimestampFault = 'jump' | 'backwards' | 'reset' | 'wrap';
