/** A stretch of what a camera sent, as records of the backfill channel; the unit that is kept and forgotten. */
export interface BlockInfo {
  /** Counts the blocks of a buffer, so that names sort by age. */
  readonly number: number;
  /** Wall clock of the first and after the last record, ms. */
  readonly startMs: number;
  readonly endMs: number;
  readonly bytes: number;
  /** Begins with a key picture, so a fetch can begin here. */
  readonly key: boolean;
  /** Follows the block before without a hole. */
  readonly continues: boolean;
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
