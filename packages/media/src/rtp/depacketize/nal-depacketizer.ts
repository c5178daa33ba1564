import { findStartCode, maxNalUnits, splitAnnexB } from '../../codec/h264/annex-b.ts';
import { malformed } from '../../codec/malformed.ts';
import type { AccessUnit, Depacketizer, RtpPacket, Track } from '../../types.ts';
import { NalAccessUnit, type NalUnitFields } from './nal-access-unit.ts';
import type { NalPayload } from './nal-payload.ts';
import { ParameterSets } from './parameter-sets.ts';

/** Most payload bytes of one access unit. */
export const maxUnitBytes = 8 * 1024 * 1024;
const maxUnitPackets = 32_768;
/** Bytes of a parameter set, delimiter or SEI that are searched for a start code that should not be there. */
const startCodeSearchBytes = 2048;
/** After so long without an IDR picture, pictures with a recovery point count as key pictures. */
const recoveryAfterSeconds = 3;

/**
 * What H.264 and H.265 have in common: which packets make an access unit, what is lost, where decoding can start.
 * A unit ends at the marker or, for cameras that never set it (FLIR M400), at another timestamp. A marker on packets
 * without a slice ends nothing: Tapo TC70 and Reolink Duo 2 set it on their parameter sets.
 */
export abstract class NalDepacketizer implements Depacketizer {
  dropped = 0;
  /** Parameter sets as of now. */
  protected readonly sets: ParameterSets;
  protected hasKey = false;
  protected hasRecoveryPoint = false;
  /** The unit holds a picture that refers to what came before a key picture that it follows (RASL). */
  protected hasSkippedLeading = false;
  /** Type of the NAL unit that the last packet was a fragment of; -1 if it was none. */
  protected fragmentType = -1;
  /** Packets before the unit under way may be missing, so it may lack its beginning. */
  protected suspect = true;
  readonly #emit: (unit: AccessUnit) => void;
  readonly #payload: NalPayload;
  readonly #recoveryAfterTicks: number;
  /** One for all units, which copy it. */
  readonly #fields: NalUnitFields;
  /** Packets of the unit under way, the first `#packetCount`; one array for all units, as an array that grows by `push` is made too large. */
  readonly #packets: (RtpPacket | undefined)[] = [];
  #packetCount = 0;
  #byteLength = 0;
  #unitCount = 0;
  #hasVcl = false;
  #eager = false;
  #annexB = false;
  #damaged = false;
  /** A marker has ended a picture: without one it is not whole. */
  #marksEnds = false;
  #timestamp = -1;
  #lastIdrTimestamp = -1;
  #lost = 0;
  #waitingForKey = true;
  #skipsLeading = false;
  #emitted = false;

  constructor(track: Track, emit: (unit: AccessUnit) => void, payload: NalPayload) {
    this.sets = new ParameterSets(track);
    this.#emit = emit;
    this.#payload = payload;
    this.#recoveryAfterTicks = recoveryAfterSeconds * track.clockRate;
    this.#fields = {
      rtpTimestamp: 0,
      key: false,
      byteLength: 0,
      lost: 0,
      track,
      packets: this.#packets,
      packetCount: 0,
    };
  }

  /** Notes the NAL units of one packet with a payload: calls `noteUnit`, `fail` or `damage`. */
  protected abstract scan(packet: RtpPacket): void;
  /** True for a fragment that is not the first of its NAL unit. */
  protected abstract continues(packet: RtpPacket): boolean;
  /** nal_unit_type; parameter sets, slices and what is stripped are told apart by it. */
  protected abstract typeOf(nal: Uint8Array): number;
  protected abstract isVcl(type: number): boolean;
  protected abstract isKey(type: number): boolean;
  protected abstract isParameterSet(type: number): boolean;
  protected abstract isStripped(type: number): boolean;

  get oldestPending(): RtpPacket | undefined {
    return this.#packetCount > 0 ? this.#packets[0] : undefined;
  }

  push(packet: RtpPacket, lost: number): void {
    if (lost > 0) this.#onLoss(packet, lost);
    if (packet.timestamp !== this.#timestamp) this.#onTimestamp(packet.timestamp);
    if (lost > 0) this.suspect = true;
    const length = packet.payloadEnd - packet.payloadStart;
    if (length > 0 && !this.#damaged) {
      if (!this.#annexB) this.scan(packet);
      else if (this.suspect && this.#packetCount === 0 && this.continues(packet)) this.damage();
      if (!this.#damaged) {
        this.#packets[this.#packetCount++] = packet;
        this.#byteLength += length;
        if (this.#byteLength > maxUnitBytes || this.#unitCount > maxNalUnits || this.#packetCount > maxUnitPackets) {
          this.#onLimit();
        }
      }
    }
    if (packet.marker) this.#onMarker();
  }

  flush(): void {
    // A connection may end between two slices of a picture.
    if (this.#damaged || this.#marksEnds) this.#reset();
    else this.#finish();
  }

  /** Notes a slice; `beginsPicture`: it is the first of its picture. */
  protected noteVcl(beginsPicture: boolean): void {
    this.#unitCount++;
    if (this.#hasVcl) return;
    this.#hasVcl = true;
    if (this.suspect && !beginsPicture) this.damage();
  }

  /** Notes a NAL unit that is no slice. */
  protected noteOther(): void {
    this.#unitCount++;
  }

  /** Notes a whole parameter set; a start code in it means that the camera packs Annex B into RTP. */
  protected noteParameterSet(bytes: Uint8Array, start: number, end: number): void {
    this.#unitCount++;
    while (end > start && bytes[end - 1] === 0) end--;
    if (this.sets.knows(bytes, start, end) || this.detectAnnexB(bytes, start, end)) return;
    this.sets.add(bytes, start, end);
  }

  /** True if a start code stands in the first bytes: from here on each unit is split at its start codes. */
  protected detectAnnexB(bytes: Uint8Array, start: number, end: number): boolean {
    if (findStartCode(bytes, start, Math.min(end, start + startCodeSearchBytes)) < 0) return false;
    this.#annexB = true;
    return true;
  }

  /** This unit needs its NAL units put together before it can be judged. */
  protected examineWhole(): void {
    this.#eager = true;
  }

  /** Gives up the unit under way. */
  protected damage(): void {
    if (this.#emitted || this.#lost > 0) this.dropped++;
    this.#discard();
    this.#damaged = true;
    this.#waitingForKey = true;
  }

  /** Gives up the unit under way because of bytes that cannot be. */
  protected fail(code: string, message: string): never {
    this.dropped++;
    this.#discard();
    this.#damaged = true;
    this.#waitingForKey = true;
    this.suspect = true;
    throw malformed(code, message);
  }

  #onLimit(): never {
    this.fail('RTP_UNIT_TOO_LARGE', `An access unit exceeds ${maxUnitBytes} bytes or ${maxNalUnits} NAL units.`);
  }

  #onLoss(packet: RtpPacket, lost: number): void {
    this.#lost += lost;
    this.#waitingForKey = true;
    if (this.#hasVcl || (this.#annexB && this.#packetCount > 0)) {
      const goesOn = packet.timestamp === this.#timestamp;
      this.damage();
      this.#damaged = goesOn;
    } else if (this.fragmentType >= 0) {
      this.#discard();
    }
  }

  #onTimestamp(timestamp: number): void {
    if (this.#damaged) this.#endDamaged();
    else if (this.#hasVcl || this.#annexB || this.#eager) this.#finish();
    if (this.#lastIdrTimestamp < 0) this.#lastIdrTimestamp = timestamp;
    this.#timestamp = timestamp;
  }

  #onMarker(): void {
    if (this.#hasVcl) this.#marksEnds = true;
    if (this.#damaged) this.#endDamaged();
    else if (this.#hasVcl || this.#annexB || this.#eager) this.#finish();
  }

  #endDamaged(): void {
    this.#reset();
    this.suspect = false;
  }

  #finish(): void {
    let units: Uint8Array[] | undefined;
    if (this.#annexB || this.#eager) units = this.#examine();
    this.sets.commit();
    // The marker of a parameter set (see above): the slices are still to come.
    if (!this.#hasVcl) return;
    const key = this.hasKey || this.#isRecoveryKey();
    if (this.hasKey) this.#lastIdrTimestamp = this.#timestamp;
    if (!this.#isWanted(key)) {
      this.#reset();
      return;
    }
    if (key) this.#skipsLeading = this.#waitingForKey;
    const fields = this.#fields;
    fields.rtpTimestamp = this.#timestamp;
    fields.key = key;
    fields.byteLength = this.#byteLength;
    fields.lost = this.#lost;
    fields.track = this.sets.track;
    fields.packetCount = this.#packetCount;
    const unit = new NalAccessUnit(fields, this.#payload, units);
    this.#waitingForKey = false;
    this.#emitted = true;
    this.#lost = 0;
    this.#reset();
    this.#emit(unit);
  }

  /** False for what cannot be decoded: before the first key picture, without parameter sets, or leading it after a loss. */
  #isWanted(key: boolean): boolean {
    if (this.#waitingForKey && !key) {
      if (this.#emitted) this.dropped++;
      return false;
    }
    if (!this.sets.complete) {
      this.dropped++;
      this.#waitingForKey = true;
      return false;
    }
    if (this.hasSkippedLeading && this.#skipsLeading && !key) {
      this.dropped++;
      return false;
    }
    return true;
  }

  #isRecoveryKey(): boolean {
    if (!this.hasRecoveryPoint) return false;
    return (this.#timestamp - this.#lastIdrTimestamp) >>> 0 >= this.#recoveryAfterTicks;
  }

  /** Puts all NAL units together, splits them at start codes and notes what they are. */
  #examine(): Uint8Array[] {
    const units: Uint8Array[] = [];
    let count = 0;
    for (const joined of this.#payload.join(this.#takePackets(), true)) {
      const nals = splitAnnexB(joined, maxNalUnits - count);
      if (nals === undefined) return this.#onLimit();
      count += nals.length;
      for (const nal of nals) {
        const type = this.typeOf(nal);
        if (this.isVcl(type)) this.#hasVcl = true;
        if (this.isKey(type)) this.hasKey = true;
        if (this.isParameterSet(type) && !this.sets.knows(nal, 0, nal.length)) this.sets.add(nal, 0, nal.length);
        if (!this.isStripped(type)) units.push(nal);
      }
    }
    return units;
  }

  #takePackets(): RtpPacket[] {
    return this.#packets.slice(0, this.#packetCount) as RtpPacket[];
  }

  #discard(): void {
    this.sets.commit();
    this.#reset();
  }

  #reset(): void {
    // After the first unit of a stretch without loss, what begins next has its beginning.
    if (this.#hasVcl && !this.#damaged) this.suspect = false;
    // Nothing that was handed on is held longer than its readers want it.
    this.#packets.fill(undefined, 0, this.#packetCount);
    this.#packetCount = 0;
    this.#byteLength = 0;
    this.#unitCount = 0;
    this.#hasVcl = false;
    this.#eager = false;
    this.#damaged = false;
    this.hasKey = false;
    this.hasRecoveryPoint = false;
    this.hasSkippedLeading = false;
    this.fragmentType = -1;
  }
}
