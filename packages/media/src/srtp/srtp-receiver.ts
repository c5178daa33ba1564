import { readU16, readU32 } from '@watchpost/base/bytes.ts';
import { rtpPayloadStart } from '../rtp/packet.ts';
import type { SrtpCrypto } from './crypto.ts';
import type { SrtpKeys, SrtpPolicy } from './keys.ts';
import { createPacketCipher, type PacketCipher } from './packet-cipher.ts';
import { encryptedFlag, indexBytes, rtcpHeaderBytes } from './packet-layout.ts';
import { ReplayWindow } from './replay-window.ts';

/** Why a packet was dropped. */
export type SrtpFault = 'srtp_truncated' | 'srtp_unknown_key' | 'srtp_repeated' | 'srtp_forged';

interface Ciphers {
  readonly mki: Uint8Array;
  readonly rtp: PacketCipher;
  readonly rtcp: PacketCipher;
  /** For reports with tags of the other length. */
  readonly otherRtcp: PacketCipher;
}

/** One sender, known by a packet that was genuine. */
interface Sender {
  readonly ssrc: number;
  readonly rtp: ReplayWindow;
  readonly rtcp: ReplayWindow;
}

const maxSenders = 16;

/** Opens the SRTP and SRTCP packets of one track (RFC 3711 §3.3, §3.4), where they lie. */
export class SrtpReceiver {
  /** Packets that were genuine. */
  accepted = 0;
  /** Packets that were dropped. */
  rejected = 0;
  /** Why the last packet was dropped. */
  fault: SrtpFault = 'srtp_truncated';
  readonly #policy: SrtpPolicy;
  readonly #rollOvers: ReadonlyMap<number, number>;
  readonly #ciphers: readonly Ciphers[];
  readonly #mkiBytes: number;
  readonly #isGcm: boolean;
  /** Of reports, where they may have two. */
  readonly #otherTagBytes: number;
  #senders: Sender[] = [];
  #last: Sender | undefined;

  constructor(crypto: SrtpCrypto, keys: SrtpKeys) {
    this.#policy = keys.policy;
    this.#rollOvers = keys.rollOvers;
    const { policy } = keys;
    this.#isGcm = policy.cipher === 'aes-gcm';
    // Where RTP has short tags, some shorten those of RTCP (FFmpeg, GStreamer), and others do not (RFC 4568 §6.2).
    this.#otherTagBytes = policy.rtpTagBytes < 10 ? 14 - policy.rtcpTagBytes : 0;
    const otherPolicy = { ...policy, rtcpTagBytes: this.#otherTagBytes };
    this.#ciphers = keys.keys.map((key) => ({
      mki: key.mki,
      rtp: createPacketCipher(crypto, key, { policy, kind: 'rtp' }),
      rtcp: createPacketCipher(crypto, key, { policy, kind: 'rtcp' }),
      otherRtcp: createPacketCipher(crypto, key, { policy: otherPolicy, kind: 'rtcp' }),
    }));
    this.#mkiBytes = keys.keys[0]?.mki.length ?? 0;
  }

  /** Decrypts the RTP packet `bytes[start…end)` where it lies; returns the end of what is plain RTP then, or -1 (`fault`). */
  openRtp(bytes: Uint8Array, start: number, end: number): number {
    const plainEnd = this.#openRtp(bytes, start, end);
    if (plainEnd < 0) this.rejected++;
    else this.accepted++;
    return plainEnd;
  }

  #openRtp(bytes: Uint8Array, start: number, end: number): number {
    const plainEnd = end - this.#policy.rtpTagBytes - this.#mkiBytes;
    if (rtpPayloadStart(bytes, start, plainEnd) < 0) return this.#refuse('srtp_truncated');
    const cipher = this.#ciphersAt(bytes, this.#isGcm ? end - this.#mkiBytes : plainEnd)?.rtp;
    if (cipher === undefined) return this.#refuse('srtp_unknown_key');
    const ssrc = readU32(bytes, start + 8);
    const known = this.#senderOf(ssrc);
    let index = indexOf(readU16(bytes, start + 2), known?.rtp.highest ?? -1, this.#rollOvers.get(ssrc) ?? 0);
    if (index < 0 || known?.rtp.isNew(index) === false) return this.#refuse('srtp_repeated');
    cipher.select(ssrc, index);
    let isGenuine = cipher.open(bytes, start, plainEnd);
    if (!isGenuine && (known?.rtp.highest ?? -1) < 0) {
      // Numbers may have rolled over since the camera told the counter.
      index += 0x1_0000;
      cipher.select(ssrc, index);
      isGenuine = cipher.open(bytes, start, plainEnd);
    }
    if (!isGenuine) return this.#refuse('srtp_forged');
    (known ?? this.#addSender(ssrc)).rtp.add(index);
    return plainEnd;
  }

  /** As `openRtp`, for a compound RTCP packet (RFC 3711 §3.4). */
  openRtcp(bytes: Uint8Array, start: number, end: number): number {
    let plainEnd = this.#openRtcp(bytes, start, end);
    if (plainEnd < 0 && this.#otherTagBytes > 0) plainEnd = this.#openRtcp(bytes, start, end, true);
    if (plainEnd < 0) this.rejected++;
    else this.accepted++;
    return plainEnd;
  }

  // Four plain parameters: this runs once for each packet.
  #openRtcp(bytes: Uint8Array, start: number, end: number, hasOtherTag = false): number {
    const mkiBytes = this.#mkiBytes;
    const isGcm = this.#isGcm;
    const tagBytes = hasOtherTag ? this.#otherTagBytes : this.#policy.rtcpTagBytes;
    const plainEnd = end - mkiBytes - tagBytes - indexBytes;
    if (plainEnd < start + rtcpHeaderBytes) return this.#refuse('srtp_truncated');
    const ciphers = this.#ciphersAt(bytes, isGcm ? end - mkiBytes : plainEnd + indexBytes);
    if (ciphers === undefined) return this.#refuse('srtp_unknown_key');
    const cipher = hasOtherTag ? ciphers.otherRtcp : ciphers.rtcp;
    const ssrc = readU32(bytes, start + 4);
    const index = readU32(bytes, isGcm ? plainEnd + tagBytes : plainEnd) % encryptedFlag;
    const known = this.#senderOf(ssrc);
    if (known !== undefined && !known.rtcp.isNew(index)) return this.#refuse('srtp_repeated');
    cipher.select(ssrc, index);
    if (!cipher.open(bytes, start, plainEnd)) return this.#refuse('srtp_forged');
    (known ?? this.#addSender(ssrc)).rtcp.add(index);
    return plainEnd;
  }

  #refuse(fault: SrtpFault): -1 {
    this.fault = fault;
    return -1;
  }

  #ciphersAt(bytes: Uint8Array, mkiStart: number): Ciphers | undefined {
    const mkiBytes = this.#mkiBytes;
    for (const ciphers of this.#ciphers) {
      let i = 0;
      while (i < mkiBytes && bytes[mkiStart + i] === ciphers.mki[i]) i++;
      if (i === mkiBytes) return ciphers;
    }
    return undefined;
  }

  #senderOf(ssrc: number): Sender | undefined {
    if (this.#last?.ssrc === ssrc) return this.#last;
    for (const sender of this.#senders) {
      if (sender.ssrc !== ssrc) continue;
      this.#last = sender;
      return sender;
    }
    return undefined;
  }

  #addSender(ssrc: number): Sender {
    if (this.#senders.length === maxSenders) this.#senders.shift();
    const sender = { ssrc, rtp: new ReplayWindow(), rtcp: new ReplayWindow() };
    this.#senders.push(sender);
    this.#last = sender;
    return sender;
  }
}

/** The index of a packet (RFC 3711 §3.3.1): the one with its sequence number that is nearest to the highest so far. */
function indexOf(sequence: number, highest: number, rollOver: number): number {
  if (highest < 0) return rollOver * 0x1_0000 + sequence;
  const ahead = (sequence - (highest % 0x1_0000) + 0x1_8000) % 0x1_0000;
  return highest + ahead - 0x8000;
}
