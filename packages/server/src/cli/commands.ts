import { agentCommand } from './agent.ts';
import { checkCommand } from './check/check.ts';
import type { Command } from './command.ts';
import { exportCommand } from './export.ts';
import { firmwareCommand } from './firmware.ts';
import { indexCommand } from './index-rebuild.ts';
import { recordCommand } from './record.ts';
import { serveCommand } from './serve.ts';
import { simulateCommand } from './simulate.ts';
import { tokenCommand } from './token.ts';
import { tunnelCommand } from './tunnel.ts';
import { userCommand } from './user.ts';

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  serveCommand,
  checkCommand,
  recordCommand,
  exportCommand,
  tunnelCommand,
  simulateCommand,
  userCommand,
  tokenCommand,
  indexCommand,
  agentCommand,
  firmwareCommand,
];
