import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { latmConfigOf } from '@watchpost/media/rtp/depacketize/aac-latm.ts';
import { createDepacketizer } from '@watchpost/media/rtp/depacketize/index-by-codec.ts';
import { parseRtpPacket } from '@watchpost/media/rtp/packet.ts';
import { ReorderBuffer } from '@watchpost/media/rtp/reorder.ts';
import { parseSdp } from '@watchpost/media/sdp/parse.ts';
import { tracksFromSdp } from '@watchpost/media/sdp/tracks.ts';
import type { AccessUnit } from '@watchpost/media/types.ts';

/** RTP packets that a program sent, and what it printed. */
export interface Captured {
  readonly rtp: readonly Uint8Array[];
  readonly output: string;
}

/** Runs a program that sends RTP to the port of loopback that it is given; resolves once it has ended. */
export async function captureRtp(program: string, argsFor: (port: number) => readonly string[]): Promise<Captured> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  const rtp: Uint8Array[] = [];
  socket.on('message', (message) => {
    const type = message[1]! & 127;
    if (type < 72 || type > 76) rtp.push(Uint8Array.from(message));
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const child = spawn(program, argsFor(socket.address().port), { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (text: Buffer) => {
    output += text.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const status = await new Promise((resolve) => child.on('close', resolve));
  await new Promise((resolve) => setTimeout(resolve, 200));
  socket.close();
  if (status !== 0 || rtp.length === 0) throw new Error(`${program} sent ${rtp.length} packets:\n${output}`);
  return { rtp, output };
}

/** The access units in packets that a description of one medium belongs to. */
export function depacketize(sdp: string, packets: readonly Uint8Array[]): { units: AccessUnit[]; dropped: number } {
  const [described] = tracksFromSdp(parseSdp(sdp), latmConfigOf);
  const units: AccessUnit[] = [];
  const depacketizer = createDepacketizer(described!.track, described!.format, (unit) => units.push(unit))!;
  const reorder = new ReorderBuffer((packet, lost) => depacketizer.push(packet, lost));
  for (const bytes of packets) reorder.push(parseRtpPacket(bytes, 0, bytes.length), 0);
  reorder.flush();
  depacketizer.flush();
  return { units, dropped: depacketizer.dropped };
}
