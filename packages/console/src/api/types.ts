import type * as api from '../api-types.ts';

/** Who is asking, and whether set-up is still to be done. */
export type Session = api.Session;
/** A stream. */
export type Stream = api.Stream;
/** A page of streams. */
export type StreamList = api.StreamList;
/** One elementary stream of a stream. */
export type Track = Stream['tracks'][number];
/** Why something is not as it should be. */
export type Reason = NonNullable<Stream['reason']>;
/** Counters of a stream. */
export type StreamStats = api.StreamStats;
/** What is wrong with a stream, and the cure. */
export type Diagnosis = api.Diagnosis;
/** One thing that the doctor found. */
export type Finding = Diagnosis['findings'][number];
/** A hole in the recordings, with its reason. */
export type Gap = api.Gap;
/** What was recorded, for drawing. */
export type Timeline = api.Timeline;
/** Days with recordings. */
export type RecordedDays = api.RecordedDays;
/** Segments and gaps of a stream. */
export type Recordings = api.Recordings;
/** Recordings that become a file. */
export type Export = api.Export;
/** Where a stretch of recordings is played from. */
export type Playback = api.Playback;
/** Disks and what lies on them. */
export type Storage = api.Storage;
/** A disk, or whatever recordings are written to. */
export type Backend = Storage['backends'][number];
/** How the server does. */
export type ServerState = api.Server;
/** When to record, week after week. */
export type Schedule = api.Schedule;
/** One stretch of a week. */
export type ScheduleRange = Schedule['ranges'][number];
/** A stretch of recordings that no retention deletes. */
export type Lock = api.Lock;
/** Key pictures that were recorded. */
export type KeyFrames = api.KeyFrames;
/** Something that happened. */
export type EventRecord = api.Event;
/** A page of events. */
export type EventList = api.EventList;
/** What answered at an address. */
export type ProbeResult = api.ProbeResult;
/** One address that answered, or the failure of it. */
export type ProbeCandidate = ProbeResult['candidates'][number];
/** Devices on the network, and vendors. */
export type Discovery = api.Discovery;
/** Somebody who may log in. */
export type User = api.User;
/** What somebody may do; each may do what the next may. */
export type Role = User['role'];
/** Where somebody is logged in. */
export type LoginSession = api.LoginSession;
/** A page of the audit log. */
export type AuditList = api.AuditList;
/** Who did what. */
export type AuditEntry = api.AuditEntry;
/** An API token without its secret. */
export type ApiToken = api.ApiToken;
/** An API token with its secret. */
export type NewApiToken = api.CreatedToken;
