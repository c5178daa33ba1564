/** Loads what publishing over RTMP needs, which few agents do. The one file of packages has it packed: `bundleAgent` puts a module in the place of this one that unpacks it. */
export function loadRtmp(): Promise<typeof import('./rtmp-session.ts')> {
  return import('./rtmp-session.ts');
}
