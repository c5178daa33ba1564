/** Streams made by API, and what was changed at run time of any stream. */
export interface DefinitionTables {
  api_streams: {
    id: string;
    title: string;
    protocol: string;
    /** JSON of `SourceUrl[]`, credentials included: the camera needs them. */
    sources: string;
    /** JSON of `SourceUrl`: the second quality. */
    sub_source: string | null;
    record: number;
    /** JSON of `RecordingRules`; null where it is recorded without a pause. */
    recording: string | null;
    on_demand: number;
    /** JSON of `SourceUrl[]`: other servers that it is sent to; null for none. */
    push: string | null;
    /** Where its publishers send it besides the address with its id. */
    publish_path: string | null;
    created_ms: number;
    changed_ms: number;
  };
  stream_overrides: {
    stream_id: string;
    stopped: number | null;
    record: number | null;
  };
  schedules: {
    name: string;
    time_zone: string | null;
    /** JSON of `ScheduleRange[]`. */
    ranges: string;
    changed_ms: number;
  };
}
