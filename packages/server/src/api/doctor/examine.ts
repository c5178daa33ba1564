import { reorderDepthOf } from '@watchpost/media/codec/reorder-depth.ts';
import type { Track } from '@watchpost/media/types.ts';
import { liveMimeCodec } from '../../hub/live-fmp4/carriage.ts';
import type { RecentFacts } from '../../hub/stream-history.ts';
import type { Finding, FindingId } from './finding.ts';

/** What a stream is judged by. */
export interface Patient {
  readonly state: string;
  /** Nobody pulls it, and nobody sends it now. */
  readonly awaitsPublisher: boolean;
  /** Why it is not online. */
  readonly reason: string | undefined;
  readonly tracks: readonly Track[];
  readonly recent: RecentFacts;
  /** What outputs cannot carry. */
  readonly leftOut: readonly { readonly output: string; readonly codec: string; readonly reason: string }[];
  /** Samples (pictures, pieces of sound) that viewers lost because they were too slow, and those that the recorder lost. */
  readonly readersDropped: number;
  readonly recorderDropped: number;
  /** Backends on which not all days fit. */
  readonly shortStorage: readonly { readonly name: string; readonly days: number; readonly wanted: number }[];
}

/** A judgement from less is chance. */
const enoughSeconds = 20;
/** A player that must wait for a key picture begins late; HLS players are behind by as much. */
const longGopSeconds = 4;
const veryLongGopSeconds = 10;
/** Longest to shortest: an encoder with a fixed interval repeats it. */
const varyingRatio = 1.8;
const minVaryingSeconds = 3;
const lossyShare = 0.001;
const badLossShare = 0.01;
const slowShare = 0.8;
const burstMs = 700;
const clockOffMs = 1000;
const units: readonly (readonly [seconds: number, name: string])[] = [
  [86_400, 'days'],
  [3600, 'h'],
  [60, 'min'],
];

/** All findings, the gravest first. */
export function examine(patient: Patient): Finding[] {
  const isOnline = patient.state === 'online';
  const findings = [
    ...(isOnline ? [] : [offline(patient)]),
    ...(isOnline ? examineSession(patient.recent, patient.tracks) : []),
    ...patient.tracks.flatMap(examineTrack),
    ...examineOutputs(patient, isOnline),
    ...examineReaders(patient),
    ...patient.shortStorage.map(({ name, days, wanted }) =>
      finding(['storage', 'warning'], { name, days, wanted }, [
        `On "${name}" ${days} of ${wanted} days fit at the present rate`,
        'Lower the bitrate of cameras, keep fewer days, or add disk',
      ]),
    ),
  ];
  const order = ['error', 'warning', 'info'];
  return findings.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

function offline({ state, reason, awaitsPublisher }: Patient): Finding {
  if (awaitsPublisher)
    return finding(['awaits_publisher', 'info'], {}, [
      'It waits for a publisher: nobody sends it at the moment',
      'Start the encoder; the page of the stream shows the address that it sends to',
    ]);
  const level = state === 'offline' ? 'error' : 'info';
  const because = reason === undefined ? '' : `: ${reason}`;
  return finding(['offline', level], { state, reason: reason ?? '' }, [`The stream is ${state}${because}`]);
}

function examineSession(recent: RecentFacts, tracks: readonly Track[]): Finding[] {
  const { seconds } = recent;
  if (seconds < enoughSeconds) {
    const values = { seconds: Math.round(seconds) };
    return [
      ...examineClock(recent),
      finding(['early', 'info'], values, [`It has been watched for ${values.seconds} s only; ask again in a minute`]),
    ];
  }
  return [
    ...examineKeys(recent),
    ...examineLine(recent, tracks),
    ...examineClock(recent),
    ...examineTimestamps(recent),
  ];
}

function examineKeys(recent: RecentFacts): Finding[] {
  const { keyIntervalsMs } = recent;
  if (keyIntervalsMs.length < 2) return [];
  const seconds = [...keyIntervalsMs].sort((a, b) => a - b).map((ms) => ms / 1000);
  const longest = seconds.at(-1)!;
  // Cameras put a key picture in between when a player joins or a scene changes: one short interval says nothing.
  const shortest = seconds[Math.floor(seconds.length / 4)]!;
  const median = seconds[seconds.length >> 1]!;
  const values = { shortest: round(shortest), longest: round(longest), median: round(median) };
  // Key pictures that are lost on the way leave the same intervals behind as those that were never made, but each costs a packet.
  const missing = seconds.reduce((sum, interval) => sum + Math.round(interval / shortest) - 1, 0);
  const isLossy = missing > 0 && missing <= Math.max(recent.lost, recent.droppedUnits);
  if (!isLossy && longest >= minVaryingSeconds && longest > shortest * varyingRatio)
    return [
      finding(['gop_varies', 'warning'], values, [
        `Key pictures come after ${values.shortest} to ${values.longest} s: that is a "smart" codec (H.264+, H.265+, Smart Codec, Zipstream), which leaves them out while little moves`,
        'Switch the smart codec off in the camera, and set a key picture (I frame interval) each 2 s',
      ]),
    ];
  const usual = isLossy ? shortest : median;
  if (usual < longGopSeconds) return [];
  return [
    finding(['gop_long', usual >= veryLongGopSeconds ? 'error' : 'warning'], { ...values, median: round(usual) }, [
      `A key picture comes only every ${round(usual)} s: players start late, recordings are cut and searched in such steps`,
      'Set the I frame interval of the camera to 2 s, that is twice its frames per second',
    ]),
  ];
}

function examineLine(recent: RecentFacts, tracks: readonly Track[]): Finding[] {
  const found: Finding[] = [];
  const { lost, longestGapMs, seconds, frames, droppedUnits, reconnects } = recent;
  const share = lostShare(recent);
  const percent = { percent: round(share * 100), lost };
  if (share >= lossyShare)
    found.push(
      finding(['loss', share >= badLossShare ? 'error' : 'warning'], percent, [
        `${percent.percent} % of the packets are lost on the way`,
        'Look at cable, switch and Wi-Fi; let the camera send over TCP, or lower its bitrate',
      ]),
    );
  else if (droppedUnits > 0)
    found.push(
      finding(['damaged', 'warning'], { count: droppedUnits }, [
        `${droppedUnits} pictures came damaged, though no packet is missing`,
        'Update the firmware of the camera; choose H.264 without additions in its settings',
      ]),
    );
  const fps = frames / seconds;
  const nominal = tracks.find(({ kind }) => kind === 'video')?.fps ?? 0;
  const rates = { fps: round(fps), nominal: round(nominal) };
  // What the line took is told above: the camera sent it.
  if (nominal > 0 && share < lossyShare && fps < nominal * slowShare)
    found.push(
      finding(['fps_low', 'warning'], rates, [
        `${rates.fps} pictures a second come, the camera promises ${rates.nominal}`,
        'In the dark cameras expose longer: set a shortest shutter time. Else the camera or the line is overloaded',
      ]),
    );
  if (longestGapMs >= Math.max(burstMs, fps > 0 ? 5000 / fps : 0))
    found.push(
      finding(['bursts', 'warning'], { seconds: round(longestGapMs / 1000) }, [
        `For up to ${round(longestGapMs / 1000)} s nothing came, then much at once: live pictures stutter`,
        'Look at Wi-Fi, at lines that carry backups, and at the number of clients of the camera',
      ]),
    );
  if (reconnects >= 3)
    found.push(
      finding(['reconnects', 'warning'], { count: reconnects }, [
        `The connection was lost ${reconnects} times within an hour`,
        'The events tell why; look at power supply, cable and the number of clients of the camera',
      ]),
    );
  return found;
}

function lostShare({ packets, lost }: RecentFacts): number {
  return lost / Math.max(1, packets + lost);
}

function examineClock({ clockOffsetMs }: RecentFacts): Finding[] {
  if (clockOffsetMs === undefined || Math.abs(clockOffsetMs) < clockOffMs) return [];
  const seconds = round(clockOffsetMs / 1000);
  const side = clockOffsetMs > 0 ? 'ahead of' : 'behind';
  return [
    finding(['clock', 'warning'], { seconds }, [
      `The camera's clock is ${spanOf(Math.abs(seconds))} ${side} the server's`,
      'Name an NTP server in the camera, best the same as that of this server',
    ]),
  ];
}

/** In the largest unit of which there are two: nobody reads 31536000 s. */
function spanOf(seconds: number): string {
  const [size, name] = units.find(([most]) => seconds >= 2 * most) ?? [1, 's'];
  return `${round(seconds / size)} ${name}`;
}

function examineTimestamps({ repaired }: RecentFacts): Finding[] {
  const kinds = Object.entries(repaired).filter(([, count]) => count > 0);
  if (kinds.length === 0) return [];
  const list = kinds.map(([kind, count]) => `${kind} ${Math.round(count)}`).join(', ');
  return [
    finding(['timestamps', 'info'], { list }, [
      `Time stamps of the camera were wrong and are repaired: ${list}`,
      'Update the firmware of the camera; pictures and recordings are not harmed',
    ]),
  ];
}

function examineTrack(track: Track): Finding[] {
  if (track.kind !== 'video') return [];
  const found: Finding[] = [];
  if (track.codec === 'h265')
    found.push(
      finding(['h265', 'info'], {}, [
        'H.265 plays in browsers only where the machine decodes it in hardware; Firefox often does not',
        'Where people must see it everywhere, give the camera a second quality in H.264',
      ]),
    );
  const depth = reorderDepthOf(track) ?? 0;
  if (depth > 0)
    found.push(
      finding(['b_frames', 'info'], { count: depth }, [
        `The pictures are sent out of order (B frames), up to ${depth}: live is later by as many, and WebRTC cannot show them`,
        'Switch B frames off in the camera, or choose the profile Baseline or Main',
      ]),
    );
  return found;
}

function examineOutputs({ tracks, leftOut }: Patient, isOnline: boolean): Finding[] {
  const found: Finding[] = leftOut.map(({ output, codec, reason }) =>
    finding(['left_out', 'info'], { output, codec, reason }, [`${output} leaves out ${codec}: ${reason}`]),
  );
  const video = tracks.filter(({ kind }) => kind === 'video');
  // MJPEG is left out of video, and shown as pictures.
  const isShown = video.some((track) => track.codec === 'mjpeg' || liveMimeCodec(track) !== null);
  if (isOnline && video.length > 0 && !isShown)
    found.push(
      finding(['no_browser', 'warning'], { codec: video[0]!.codec }, [
        `No browser plays ${video[0]!.codec} live from here`,
        'Set the camera to H.264',
      ]),
    );
  return found;
}

function examineReaders({ readersDropped, recorderDropped }: Patient): Finding[] {
  const found: Finding[] = [];
  if (recorderDropped > 0)
    found.push(
      finding(['slow_recorder', 'warning'], { count: recorderDropped }, [
        `The recording lacks ${recorderDropped} frames: the disk did not keep up, or did not answer`,
        'The timeline shows when; look at the health of the disk, and at what else writes to it',
      ]),
    );
  if (readersDropped > 0)
    found.push(
      finding(['slow_readers', 'info'], { count: readersDropped }, [
        `Viewers that were too slow lost ${readersDropped} frames`,
        'Their line or machine is too weak for this quality: let them watch the second one',
      ]),
    );
  return found;
}

function finding(
  [id, level]: readonly [id: FindingId, level: Finding['level']],
  values: Finding['values'],
  [text, cure]: readonly [text: string, cure?: string],
): Finding {
  return { id, level, text, values, ...(cure !== undefined && { cure }) };
}

function round(value: number): number {
  return Math.abs(value) < 10 ? Math.round(value * 10) / 10 : Math.round(value);
}
