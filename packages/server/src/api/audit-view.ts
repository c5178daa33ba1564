import type { z } from 'zod';
import type { AuditPage } from '../catalog/audit/audit-log.ts';
import type { AuditEntry, AuditFilter } from '../catalog/audit/types.ts';
import type { auditEntrySchema } from './schemas/audit.ts';
import { toInstant } from './time-text.ts';

const pageRows = 1000;
const maxRows = 100_000;
const columns = ['at', 'action', 'user', 'via', 'stream_id', 'detail', 'address', 'user_agent'] as const;

/** A row as the API shows it. */
export function toAuditView(entry: AuditEntry): z.output<typeof auditEntrySchema> {
  return {
    id: entry.id,
    at: toInstant(entry.atMs),
    action: entry.action,
    user: entry.user,
    via: entry.via,
    stream_id: entry.streamId ?? null,
    detail: entry.detail,
    address: entry.address,
    user_agent: entry.userAgent,
  };
}

/** All rows of a filter as CSV (RFC 4180), newest first, a page at a time; at most 100 000. */
export async function* auditCsv(
  log: { query(page: AuditPage): Promise<readonly AuditEntry[]> },
  filter: AuditFilter,
): AsyncGenerator<string> {
  yield `${columns.join(',')}\r\n`;
  let beforeId: number | undefined;
  for (let rows = 0; rows < maxRows; rows += pageRows) {
    const page = await log.query({ ...filter, beforeId, limit: pageRows });
    if (page.length > 0) yield page.map(toLine).join('');
    if (page.length < pageRows) return;
    beforeId = page.at(-1)?.id;
  }
}

function toLine(entry: AuditEntry): string {
  const view = toAuditView(entry);
  return `${columns.map((column) => toCell(view[column] ?? '')).join(',')}\r\n`;
}

/** Spreadsheets run what begins like a formula, and names and agents are written by strangers: an apostrophe stops that. */
function toCell(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
