import type { Stream } from '../api/types.ts';
import { type RecordingEdit, toRecordingEdit, toRecordingPatch } from './recording-edit.ts';

/** As many as the API takes. */
export const maxSources = 8;
export const maxTargets = 16;

/** A camera as people change it. */
export interface CameraEdit {
  readonly title: string;
  /** In order of preference; empty for what is sent to us. */
  readonly sources: readonly string[];
  readonly subUrl: string;
  /** Where publishers send it; empty: to the address with its id only. */
  readonly publishPath: string;
  readonly push: readonly string[];
  readonly username: string;
  readonly password: string;
  readonly recording: RecordingEdit;
  readonly onDemand: boolean;
}

/** A camera as the form shows it before anything is changed; logins are never shown. */
export function toCameraEdit(stream: Stream, subUrl: string): CameraEdit {
  return {
    title: stream.title,
    sources: stream.source_url === null ? [] : [stream.source_url, ...stream.fallback_urls],
    subUrl,
    publishPath: stream.publish_path ?? '',
    push: stream.push.map(({ url }) => url),
    username: '',
    password: '',
    recording: toRecordingEdit(stream.recording),
    onDemand: stream.on_demand,
  };
}

/** Only what was changed, as the API takes it: what is left out stays as it is, passwords above all. */
export function toCameraPatch(before: CameraEdit, after: CameraEdit): Record<string, unknown> {
  const [main = '', ...fallbacks] = trimmed(after.sources);
  return {
    ...(after.title === before.title ? {} : { title: after.title.trim() }),
    ...(main === (before.sources[0] ?? '') ? {} : { source_url: main }),
    ...(same(fallbacks, before.sources.slice(1)) ? {} : { fallback_urls: fallbacks }),
    ...(after.subUrl === before.subUrl ? {} : { sub_url: after.subUrl.trim() || null }),
    ...(after.publishPath === before.publishPath ? {} : { publish_path: after.publishPath.trim() || null }),
    ...(same(after.push, before.push) ? {} : { push: trimmed(after.push) }),
    ...(after.username === '' ? {} : { username: after.username }),
    ...(after.password === '' ? {} : { password: after.password }),
    ...toRecordingPatch(before.recording, after.recording),
    ...(after.onDemand === before.onDemand ? {} : { on_demand: after.onDemand }),
  };
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}

function trimmed(urls: readonly string[]): string[] {
  return urls.map((url) => url.trim()).filter(Boolean);
}
