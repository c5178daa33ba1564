/** A stretch of what a camera sent, as records of the backfill channel; the unit that is kept and forgotten. */
export interface BlockInfo {
  /** Counts the blocks of a buffer, so that names sort by age. */
  readonly number: number;
  /** The run of the machine in which it came; its times, and those of the records, are ms since that began. */
  readonly run: string;
  /** Of the first and after the last record. */
  readonly startMs: number;
  readonly endMs: number;
  /** What makes wall clock of these times, as the run knew when the block ended. */
  readonly wallOffsetMs: number;
  /** The wall clock had been set by then since the run began. */
  readonly wasSet: boolean;
  readonly bytes: number;
  /** Begins with a key picture, so a fetch can begin here. */
  readonly key: boolean;
  /** Follows the block before without a hole. */
  readonly continues: boolean;
}

/** A block and where it lies for servers. */
export interface PlacedBlock {
  readonly info: BlockInfo;
  /** Of the first and after the last record, on the line of the offer's `now_ms`. */
  readonly startMs: number;
  readonly endMs: number;
  /** What makes such times of those of the records. */
  readonly shiftMs: number;
}

/** Where the blocks of one buffer are kept. */
export interface BlockStore {
  /** What a run of the agent before this one left, oldest first. */
  list(): Promise<readonly BlockInfo[]>;
  write(info: BlockInfo, bytes: Uint8Array): Promise<void>;
  /** Undefined where it is gone or damaged. */
  read(info: BlockInfo): Promise<Uint8Array | undefined>;
  remove(info: BlockInfo): Promise<void>;
}
