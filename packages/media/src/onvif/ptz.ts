import { escapeXml, onvifNamespaces } from './soap.ts';

/** A movement: shares of the full speed, −1…1; what is missing or 0 does not move. */
export interface PtzVelocity {
  readonly pan?: number;
  readonly tilt?: number;
  readonly zoom?: number;
}

const ptz = `xmlns="${onvifNamespaces.ptz}" xmlns:t="${onvifNamespaces.schema}"`;

/**
 * ContinuousMove (ONVIF PTZ §5.3.3). An axis that does not move is left out: some cameras refuse zoom with a pan of 0.
 * The time-out is for cameras that lose the Stop; not all of them heed it.
 */
export function writeContinuousMove(
  profile: string,
  { pan = 0, tilt = 0, zoom = 0 }: PtzVelocity,
  timeoutS: number,
): string {
  const moves = pan !== 0 || tilt !== 0 ? `<t:PanTilt x="${share(pan)}" y="${share(tilt)}"/>` : '';
  const zooms = zoom !== 0 ? `<t:Zoom x="${share(zoom)}"/>` : '';
  return (
    `<ContinuousMove ${ptz}><ProfileToken>${escapeXml(profile)}</ProfileToken>` +
    `<Velocity>${moves}${zooms}</Velocity><Timeout>PT${timeoutS}S</Timeout></ContinuousMove>`
  );
}

/** Stop of both (ONVIF PTZ §5.3.5): some cameras stop nothing where one is not said. */
export function writePtzStop(profile: string): string {
  return `<Stop ${ptz}><ProfileToken>${escapeXml(profile)}</ProfileToken><PanTilt>true</PanTilt><Zoom>true</Zoom></Stop>`;
}

/** GotoPreset (ONVIF PTZ §5.4.4). */
export function writeGotoPreset(profile: string, preset: string): string {
  return `<GotoPreset ${ptz}><ProfileToken>${escapeXml(profile)}</ProfileToken><PresetToken>${escapeXml(preset)}</PresetToken></GotoPreset>`;
}

/** GotoHomePosition (ONVIF PTZ §5.5.1). */
export function writeGotoHome(profile: string): string {
  return `<GotoHomePosition ${ptz}><ProfileToken>${escapeXml(profile)}</ProfileToken></GotoHomePosition>`;
}

function share(value: number): string {
  return String(Math.round(Math.max(-1, Math.min(1, value)) * 1000) / 1000);
}
