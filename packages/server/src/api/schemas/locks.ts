import { z } from 'zod';
import { instant, instantIn } from './common-fields.ts';

/** A stretch that no retention deletes. */
export const lockSchema = z
  .object({
    id: z.int(),
    start: instant,
    end: instant,
    note: z.string(),
    created_by: z.string().describe('Who locked it last'),
    created: instant,
  })
  .meta({ id: 'Lock' });

/** `GET /recordings/{id}/locks` */
export const lockListSchema = z.object({ locks: z.array(lockSchema) }).meta({ id: 'LockList' });

/** `PUT /recordings/{id}/locks` */
export const newLockSchema = z
  .strictObject({
    start: instantIn,
    end: instantIn,
    note: z.string().max(500).default('').describe('Why, for people'),
  })
  .meta({ id: 'NewLock' });
