/** What is written down, in the order in which people choose it. */
export const auditActions = [
  'live',
  'playback',
  'snapshot',
  'export',
  'publish',
  'ptz',
  'talk',
  'record',
  'configure',
  'delete',
  'login',
  'logout',
  'login_failed',
  'denied',
] as const;

/** What somebody did. `live`, `playback`: looked; `record`: switched recording; `denied`: was refused. */
export type AuditAction = (typeof auditActions)[number];

/** Who did it, and from where. */
export interface AuditActor {
  /** Name of the user, or what was typed as one. */
  readonly user: string;
  /** `token NAME` where a program acts for the user; `session`, `none`; `command line` of the account of that name. */
  readonly via: string;
  /** Undefined where the connection has closed meanwhile. */
  readonly address: string | undefined;
  readonly userAgent: string;
}

/** One row before it has a number. */
export interface NewAuditEntry extends AuditActor {
  readonly action: AuditAction;
  readonly streamId?: string | undefined;
  /** What exactly, in words of the API: `updateStream`, a file's name; never a secret. */
  readonly detail?: string;
}

/** One row. */
export interface AuditEntry extends Required<Omit<NewAuditEntry, 'streamId' | 'address'>> {
  readonly id: number;
  readonly address: string;
  /** ms since 1970 UTC */
  readonly atMs: number;
  readonly streamId: string | undefined;
}

/** Where routes and protocols tell who did what. Never waits, never throws. */
export interface AuditSink {
  record(entry: NewAuditEntry): void;
}

/** Which rows; all that is given must be true of them. */
export interface AuditFilter {
  readonly user?: string | undefined;
  readonly action?: AuditAction | undefined;
  /** Its second quality included. */
  readonly streamId?: string | undefined;
  /** ms since 1970 UTC, `startMs` included, `endMs` not. */
  readonly startMs?: number | undefined;
  readonly endMs?: number | undefined;
}
