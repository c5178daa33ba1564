/** What the doctor can find; the console has words for each. */
export const findingIds = [
  'offline',
  'awaits_publisher',
  'early',
  'gop_long',
  'gop_varies',
  'fps_low',
  'loss',
  'damaged',
  'bursts',
  'clock',
  'timestamps',
  'reconnects',
  'h265',
  'b_frames',
  'no_browser',
  'left_out',
  'slow_readers',
  'slow_recorder',
  'storage',
] as const;

/** Name of a finding. */
export type FindingId = (typeof findingIds)[number];

/** One thing that is not as it should be, or that is good to know. */
export interface Finding {
  readonly id: FindingId;
  readonly level: 'info' | 'warning' | 'error';
  /** What was measured. */
  readonly text: string;
  /** What to do; missing where nothing is wrong. */
  readonly cure?: string;
  /** The numbers and words of the text, for translations. */
  readonly values: Readonly<Record<string, string | number>>;
}
