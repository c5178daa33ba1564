import { readU16, readU32, writeU32 } from '@watchpost/base/bytes.ts';
import { rtpPayloadStart } from '../rtp/packet.ts';
import type { SrtpCrypto } from './crypto.ts';
import type { SrtpKeys, SrtpPolicy } from './keys.ts';
import { PacketCipher } from './packet-cipher.ts';
import { ReplayWindow } from './replay-window.ts';

/** Why a packet was dropped. */
export type SrtpFault = 'srtp_truncated' | 'srtp_unknown_key' | 'srtp_repeated' | 'srtp_forged';

interface Ciphers {
  readonly mki: Uint8Array;
  readonly rtp: PacketCipher;
  readonly rtcp: PacketCipher;
}

/** One sender, known by a packet that was genuine. */
interface Sender {
  readonly ssrc: number;
  readonly rtp: ReplayWindow;
  readonly rtcp: ReplayWindow;
}

const maxSenders = 16;
const rtcpHeaderBytes = 8;
const indexBytes = 4;
const encryptedFlag = 0x8000_0000;

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
  readonly #tag = new Uint8Array(20);
  #tagBytes = 0;
  #senders: Sender[] = [];
  #last: Sender | undefined;

  constructor(crypto: SrtpCrypto, keys: SrtpKeys) {
    this.#policy = keys.policy;
    this.#rollOvers = keys.rollOvers;
    this.#ciphers = keys.keys.map((key) => ({
      mki: key.mki,
      rtp: new PacketCipher(crypto, key, 'rtp'),
      rtcp: new PacketCipher(crypto, key, 'rtcp'),
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
    const tagStart = end - this.#policy.rtpTagBytes;
    const mkiStart = tagStart - this.#mkiBytes;
    const payloadStart = rtpPayloadStart(bytes, start, mkiStart);
    if (payloadStart < 0) return this.#refuse('srtp_truncated');
    const cipher = this.#cipherAt(bytes, mkiStart)?.rtp;
    if (cipher === undefined) return this.#refuse('srtp_unknown_key');
    const ssrc = readU32(bytes, start + 8);
    const known = this.#senderOf(ssrc);
    const isFirst = (known?.rtp.highest ?? -1) < 0;
    let index = indexOf(readU16(bytes, start + 2), known?.rtp.highest ?? -1, this.#rollOvers.get(ssrc) ?? 0);
    if (index < 0 || known?.rtp.isNew(index) === false) return this.#refuse('srtp_repeated');
    this.#keepTag(bytes, tagStart, end);
    // The roll-over counter is signed but not sent (RFC 3711 §4.2): what lay behind the packet makes room for it.
    writeU32(bytes, mkiStart, Math.floor(index / 0x1_0000));
    let isGenuine = this.#matches(cipher.sign(bytes, start, mkiStart + 4));
    if (!isGenuine && isFirst) {
      // Numbers may have rolled over since the camera told the counter.
      index += 0x1_0000;
      writeU32(bytes, mkiStart, Math.floor(index / 0x1_0000));
      isGenuine = this.#matches(cipher.sign(bytes, start, mkiStart + 4));
    }
    if (!isGenuine) return this.#refuse('srtp_forged');
    (known ?? this.#addSender(ssrc)).rtp.add(index);
    if (this.#policy.encryptsRtp) {
      cipher.select(ssrc, index);
      cipher.crypt(bytes, payloadStart, mkiStart);
    }
    return mkiStart;
  }

  /** As `openRtp`, for a compound RTCP packet (RFC 3711 §3.4). */
  openRtcp(bytes: Uint8Array, start: number, end: number): number {
    const { rtpTagBytes, rtcpTagBytes } = this.#policy;
    let plainEnd = this.#openRtcp(bytes, start, end, rtcpTagBytes);
    // Where RTP has short tags, some shorten those of RTCP (FFmpeg, GStreamer), and others do not (RFC 4568 §6.2).
    if (plainEnd < 0 && rtpTagBytes < 10) plainEnd = this.#openRtcp(bytes, start, end, 14 - rtcpTagBytes);
    if (plainEnd < 0) this.rejected++;
    else this.accepted++;
    return plainEnd;
  }

  // Four plain parameters: this runs once for each packet.
  #openRtcp(bytes: Uint8Array, start: number, end: number, tagBytes: number): number {
    const tagStart = end - tagBytes;
    const mkiStart = tagStart - this.#mkiBytes;
    const indexStart = mkiStart - indexBytes;
    if (indexStart < start + rtcpHeaderBytes) return this.#refuse('srtp_truncated');
    const cipher = this.#cipherAt(bytes, mkiStart)?.rtcp;
    if (cipher === undefined) return this.#refuse('srtp_unknown_key');
    const ssrc = readU32(bytes, start + 4);
    const word = readU32(bytes, indexStart);
    const index = word % encryptedFlag;
    const known = this.#senderOf(ssrc);
    if (known !== undefined && !known.rtcp.isNew(index)) return this.#refuse('srtp_repeated');
    this.#keepTag(bytes, tagStart, end);
    if (!this.#matches(cipher.sign(bytes, start, mkiStart))) return this.#refuse('srtp_forged');
    (known ?? this.#addSender(ssrc)).rtcp.add(index);
    if (word >= encryptedFlag) {
      cipher.select(ssrc, index);
      cipher.crypt(bytes, start + rtcpHeaderBytes, indexStart);
    }
    return indexStart;
  }

  #refuse(fault: SrtpFault): -1 {
    this.fault = fault;
    return -1;
  }

  #cipherAt(bytes: Uint8Array, mkiStart: number): Ciphers | undefined {
    const mkiBytes = this.#mkiBytes;
    for (const ciphers of this.#ciphers) {
      let i = 0;
      while (i < mkiBytes && bytes[mkiStart + i] === ciphers.mki[i]) i++;
      if (i === mkiBytes) return ciphers;
    }
    return undefined;
  }

  /** Keeps a tag, before other bytes are written over it. */
  #keepTag(bytes: Uint8Array, start: number, end: number): void {
    this.#tagBytes = end - start;
    for (let i = start; i < end; i++) this.#tag[i - start] = bytes[i]!;
  }

  /** Takes as long whatever differs. */
  #matches(signature: Uint8Array): boolean {
    let difference = 0;
    for (let i = 0; i < this.#tagBytes; i++) difference |= signature[i]! ^ this.#tag[i]!;
    return difference === 0;
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
