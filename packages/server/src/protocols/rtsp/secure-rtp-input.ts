import { WatchpostError } from '@watchpost/base/errors.ts';
import type { TrackKeys } from '@watchpost/media/rtsp/client-keys.ts';
import { SrtpReceiver } from '@watchpost/media/srtp/srtp-receiver.ts';
import { SrtpSender } from '@watchpost/media/srtp/srtp-sender.ts';
import type { Publisher } from '../../hub/types.ts';
import { RtpInput, type RtpInputTrack } from './rtp-input.ts';
import { srtpCrypto } from './srtp-crypto.ts';

/** So many packets without one that is genuine are no accident. */
const maxForgedAtFirst = 50;

/** The SRTP and SRTCP of one track (RFC 3711): what is genuine goes on as RTP, the rest is counted. */
export class SecureRtpInput extends RtpInput {
  readonly #publisher: Publisher;
  readonly #receiver: SrtpReceiver;
  readonly #sender: SrtpSender;

  constructor(publisher: Publisher, track: RtpInputTrack, keys: TrackKeys) {
    super(publisher, { ...track, ssrc: keys.ssrc });
    this.#publisher = publisher;
    this.#receiver = new SrtpReceiver(srtpCrypto, keys.receive);
    this.#sender = new SrtpSender(srtpCrypto, keys.send);
  }

  override get failure(): WatchpostError | undefined {
    const { accepted, rejected, fault } = this.#receiver;
    if (accepted > 0 || rejected < maxForgedAtFirst) return undefined;
    return new WatchpostError(
      'the camera sends encrypted media that its own keys do not open — restart the camera, or switch SRTP off on the device',
      { kind: 'unsupported', code: 'SRTP_KEYS_WRONG', context: { packets: rejected, fault } },
    );
  }

  override receiveRtp(chunk: Uint8Array, start: number, end: number, nowMs: number): void {
    const plainEnd = this.#receiver.openRtp(chunk, start, end);
    if (plainEnd < 0) this.#publisher.count(this.#receiver.fault, 1);
    else super.receiveRtp(chunk, start, plainEnd, nowMs);
  }

  override receiveRtcp(chunk: Uint8Array, start: number, end: number, nowMs: number): void {
    const plainEnd = this.#receiver.openRtcp(chunk, start, end);
    if (plainEnd < 0) this.#publisher.count(this.#receiver.fault, 1);
    else super.receiveRtcp(chunk, start, plainEnd, nowMs);
  }

  override writeReceiverReport(nowMs: number): Uint8Array | undefined {
    const report = super.writeReceiverReport(nowMs);
    return report && this.#sender.sealRtcp(report);
  }
}
