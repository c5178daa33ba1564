import { request } from '../api/client.ts';
import { ApiProblem } from '../api/problem.ts';
import type { AgentCommand, AgentCommandResult } from '../api-types.ts';

/** Tells an agent to do something. Throws `ApiProblem`, `AGENT_REFUSED` where the agent itself would not or could not. */
export async function runCommand(
  agentId: string,
  command: AgentCommand['command'],
  params: Readonly<Record<string, unknown>> = {},
): Promise<AgentCommandResult> {
  const path = `/agents/${encodeURIComponent(agentId)}/commands`;
  const result = await request<AgentCommandResult>('POST', path, { body: { command, params } });
  if (result.ok) return result;
  throw new ApiProblem(result.error ?? '', { status: 400, code: 'AGENT_REFUSED' });
}

/** The lines of an answer to `log_tail`, which come beside it where they are many. */
export function logLines({ data, attachment }: AgentCommandResult): readonly string[] {
  const lines = data?.['lines'];
  if (Array.isArray(lines)) return lines.map(String);
  if (!attachment) return [];
  const bytes = Uint8Array.from(atob(attachment.base64), (character) => character.charCodeAt(0));
  return new TextDecoder().decode(bytes).split('\n').filter(Boolean);
}
