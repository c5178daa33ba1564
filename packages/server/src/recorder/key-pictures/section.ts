import { z } from 'zod';
import { costsNothing } from '../../config/change-cost.ts';
import type { DiskShare, RootSection } from '../../config/types.ts';
import { diskShare, duration } from '../../config/values.ts';

/** Which key pictures outlive their recordings. */
export interface KeyPictureSettings {
  readonly enabled: boolean;
  readonly intervalMs: number;
  /** Name of a backend; that of the recording where it is missing. */
  readonly backend: string | undefined;
  readonly retentionDays: number;
  /** Of the backend's disk. */
  readonly maxBytes: DiskShare;
}

/** `[keyframe]`: key pictures that are kept when their recordings go. */
export const keyframeSection: RootSection = {
  name: 'keyframe',
  place: 'root',
  schema: z
    .strictObject({
      enabled: z.boolean().default(true).describe('keep key pictures when their recordings go'),
      interval_seconds: duration({ min: 0.5, max: 86_400 }).default(5).describe('one in so long'),
      storage_backend: z.string().min(1).optional().describe('where; beside the recordings where it is missing'),
      retention_days: z.number().positive('must be more than 0 days').default(90).describe('older ones go'),
      max_bytes: diskShare().default({ percent: 10 }).describe('the oldest go when a backend has more'),
    })
    .prefault({})
    .meta(costsNothing),
};

/** The settings of a configuration. */
export function keyPictureSettings(sections: Readonly<Record<string, unknown>>): KeyPictureSettings {
  const parsed = sections[keyframeSection.name] ?? keyframeSection.schema.parse(undefined);
  const keys = parsed as {
    readonly enabled: boolean;
    readonly interval_seconds: number;
    readonly storage_backend?: string;
    readonly retention_days: number;
    readonly max_bytes: DiskShare;
  };
  return {
    enabled: keys.enabled,
    intervalMs: keys.interval_seconds * 1000,
    backend: keys.storage_backend,
    retentionDays: keys.retention_days,
    maxBytes: keys.max_bytes,
  };
}
