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

/** Key of a file of key pictures: `STREAM/keyframes/YYYY-MM-DD/EPOCH.mp4`, UTC; `attempt` as for segments. */
export function keyFileKey(streamId: string, startMs: number, attempt = 1): string {
  const day = new Date(startMs).toISOString().slice(0, 10);
  return `${streamId}/keyframes/${day}/${Math.floor(startMs / 1000)}${attempt > 1 ? `-${attempt}` : ''}.mp4`;
}

/** True for keys that `keyFileKey` makes. */
export function isKeyFileKey(key: string): boolean {
  return /^[a-z0-9][a-z0-9_.-]*\/keyframes\/\d{4}-\d\d-\d\d\/\d+(?:-\d+)?\.mp4$/.test(key);
}

/** Key of the description beside a segment. */
export function sidecarKey(key: string): string {
  return key.replace(/\.mp4$/, '.json');
}
