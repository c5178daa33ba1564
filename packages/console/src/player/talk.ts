import { apiUrl } from '../api/client.ts';

/** What becomes of talking. */
export type TalkPhase = 'calling' | 'talking' | 'ended' | 'cut_off' | 'failed' | 'needs_tls' | 'no_microphone';

/** Past this much sound that waits for the network, sound is dropped, bytes: a second at 8 kHz. */
const maxBuffered = 16_000;

/** Carries the microphone to the loudspeaker of a camera until it is closed. */
export class Talk {
  private readonly onPhase: (phase: TalkPhase) => void;
  private socket: WebSocket | null = null;
  private microphone: MediaStream | null = null;
  private context: AudioContext | null = null;
  private isOver = false;

  constructor(streamId: string, onPhase: (phase: TalkPhase) => void) {
    this.onPhase = onPhase;
    onPhase('calling');
    void this.open(streamId);
  }

  /** Ends it; the microphone is free again. */
  close(): void {
    this.finish('ended');
  }

  private async open(streamId: string): Promise<void> {
    if (!isSecureContext) {
      this.finish('needs_tls');
      return;
    }
    try {
      const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true };
      const microphone = await navigator.mediaDevices.getUserMedia({ audio });
      this.microphone = microphone;
    } catch {
      this.finish('no_microphone');
      return;
    }
    if (this.isOver) {
      this.release();
      return;
    }
    const address = new URL(apiUrl(`/streams/${streamId}/talk`, { codec: 'pcm' }), location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') void this.speak(data).catch(() => this.finish('failed'));
    };
    socket.onclose = () => this.finish(this.context === null ? 'failed' : 'cut_off');
  }

  /** The camera listens: samples go out at the rate that it named. */
  private async speak(message: string): Promise<void> {
    const { type, sample_rate: sampleRate } = JSON.parse(message) as { type?: string; sample_rate?: number };
    if (type !== 'ready' || sampleRate === undefined || this.microphone === null || this.context !== null) return;
    // The context turns whatever the microphone gives into this rate.
    const context = new AudioContext({ sampleRate });
    this.context = context;
    await context.audioWorklet.addModule('/talk-worklet.js');
    if (this.isOver) return;
    const source = context.createMediaStreamSource(this.microphone);
    const node = new AudioWorkletNode(context, 'talk', {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: 'explicit',
    });
    node.port.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      const { socket } = this;
      if (socket?.readyState === WebSocket.OPEN && socket.bufferedAmount < maxBuffered) socket.send(data);
    };
    source.connect(node);
    this.onPhase('talking');
  }

  private finish(phase: TalkPhase): void {
    if (this.isOver) return;
    this.isOver = true;
    this.release();
    this.onPhase(phase);
  }

  private release(): void {
    for (const track of this.microphone?.getTracks() ?? []) track.stop();
    void this.context?.close();
    this.socket?.close();
  }
}
