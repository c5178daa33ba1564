/** How grave a finding is. `bad`: it will not work. `odd`: it works, but not well. */
export type FindingStatus = 'fine' | 'odd' | 'bad';

/** One line of the report of `watchpost check`. */
export interface Finding {
  readonly status: FindingStatus;
  /** What was looked at: `camera gate`, `port 8080`. */
  readonly what: string;
  readonly text: string;
  /** What to do; missing where nothing need be done. */
  readonly cure?: string;
  /** A line of a file with a caret below it. */
  readonly excerpt?: string;
}
