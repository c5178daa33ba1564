import { accessMessages } from './access-messages.ts';
import { agentMessages } from './agent-messages.ts';
import { cameraMessages } from './camera-messages.ts';
import { figureMessages } from './figure-messages.ts';
import { healthMessages } from './health-messages.ts';
import type { Message } from './messages.ts';
import { referenceMessages } from './reference-messages.ts';
import { scheduleMessages } from './schedule-messages.ts';
import { serverMessages } from './server-messages.ts';
import { streamMessages } from './stream-messages.ts';
import { addMessages } from './translate.ts';

/** Words of the pages that are loaded when somebody opens them: one file for all, loaded with the first of them. */
export const pageMessages = {
  ...accessMessages,
  ...agentMessages,
  ...cameraMessages,
  ...figureMessages,
  ...healthMessages,
  ...referenceMessages,
  ...scheduleMessages,
  ...serverMessages,
  ...streamMessages,
} satisfies Readonly<Record<string, Message>>;

addMessages(pageMessages);
