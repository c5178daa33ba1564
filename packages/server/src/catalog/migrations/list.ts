import type { Migration } from 'kysely/migration';
import { recordings } from './001-recordings.ts';
import { identity } from './002-identity.ts';
import { access } from './003-access.ts';
import { push } from './004-push.ts';
import { recordingRules } from './005-recording-rules.ts';
import { lockedSegments } from './006-locked-segments.ts';
import { registrations } from './007-registrations.ts';
import { keyFiles } from './008-key-files.ts';
import { agents } from './020-agents.ts';
import { publishPath } from './021-publish-path.ts';
import { webhookProgress } from './022-webhook-progress.ts';
import { wishedPorts } from './023-wished-ports.ts';
import { silentStreams } from './024-silent-streams.ts';

/** Every migration, by name; run in the order of their names, each once. A published one is never changed. */
export const migrations: Readonly<Record<string, Migration>> = {
  '001-recordings': recordings,
  '002-identity': identity,
  '003-access': access,
  '004-push': push,
  '005-recording-rules': recordingRules,
  '006-locked-segments': lockedSegments,
  '007-registrations': registrations,
  '008-key-files': keyFiles,
  '020-agents': agents,
  '021-publish-path': publishPath,
  '022-webhook-progress': webhookProgress,
  '023-wished-ports': wishedPorts,
  '024-silent-streams': silentStreams,
};
