/** A file name of ours: epoch seconds, and a number where the name was taken. */
const keyPattern = /^([a-z0-9][a-z0-9_.-]*)\/(\d{4}-\d\d-\d\d)\/(\d\d)\/(\d+)(?:-(\d+))?\.mp4$/;

/** Key of a segment's file: `STREAM/YYYY-MM-DD/HH/EPOCH.mp4`, UTC; `attempt` 2 and more end in `-2`, …. */
export function segmentKey(streamId: string, startMs: number, attempt = 1): string {
  const seconds = Math.floor(startMs / 1000);
  return `${hourFolder(streamId, startMs)}${seconds}${attempt > 1 ? `-${attempt}` : ''}.mp4`;
}

/** Folder of the hour, with a slash at its end. */
export function hourFolder(streamId: string, atMs: number): string {
  const text = new Date(atMs).toISOString();
  return `${streamId}/${text.slice(0, 10)}/${text.slice(11, 13)}/`;
}

/** True for keys that `segmentKey` makes. */
export function isSegmentKey(key: string): boolean {
  return keyPattern.test(key);
}

/** Key of the description beside a segment. */
export function sidecarKey(key: string): string {
  return key.replace(/\.mp4$/, '.json');
}
