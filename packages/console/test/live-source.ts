import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { webSocketMessage } from './web-socket.ts';

/** A test picture from FFmpeg as live fragmented MP4, sent to every viewer from the latest fragment on. */
export class LiveSource implements Disposable {
  private readonly process: ChildProcess;
  private readonly viewers = new Set<Duplex>();
  private pending = Buffer.alloc(0);
  private init = Buffer.alloc(0);
  private head: Buffer | null = null;
  private latest: Buffer | null = null;
  private fragments = 0;

  constructor() {
    this.process = spawn(
      'ffmpeg',
      [
        '-v',
        'error',
        '-re',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=640x360:rate=10',
        '-t',
        '300',
        '-c:v',
        'libx264',
        '-preset',
        'ultrafast',
        '-tune',
        'zerolatency',
        '-pix_fmt',
        'yuv420p',
        '-g',
        '5',
        '-movflags',
        'frag_keyframe+empty_moov+default_base_moof',
        '-f',
        'mp4',
        'pipe:1',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.process.stdout?.on('data', (chunk: Buffer) => this.read(chunk));
  }

  /** Sends the stream to one viewer. */
  attach(socket: Duplex): void {
    this.viewers.add(socket);
    socket.on('close', () => this.viewers.delete(socket));
    if (this.latest) this.greet(socket);
  }

  [Symbol.dispose](): void {
    this.process.kill();
    for (const viewer of this.viewers) viewer.destroy();
  }

  private greet(socket: Duplex): void {
    socket.write(webSocketMessage(JSON.stringify({ type: 'init', mime: 'video/mp4; codecs="avc1.42c01e"' })));
    socket.write(webSocketMessage(this.init));
    if (this.latest) socket.write(webSocketMessage(this.latest));
  }

  private read(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    while (this.pending.length >= 8) {
      const size = this.pending.readUInt32BE(0);
      if (this.pending.length < size) return;
      this.box(this.pending.toString('latin1', 4, 8), this.pending.subarray(0, size));
      this.pending = this.pending.subarray(size);
    }
  }

  private box(type: string, bytes: Buffer): void {
    if (type === 'ftyp' || type === 'moov') this.init = Buffer.concat([this.init, bytes]);
    else if (type === 'moof') this.head = bytes;
    else if (type === 'mdat' && this.head) {
      const fragment = Buffer.concat([this.head, bytes]);
      const first = this.latest === null;
      this.latest = fragment;
      const clock = JSON.stringify({ type: 'clock', wall_ms: Date.now() - 500, pts: this.fragments++ * 0.5 });
      for (const viewer of this.viewers) {
        if (first) this.greet(viewer);
        else viewer.write(webSocketMessage(fragment));
        viewer.write(webSocketMessage(clock));
      }
    }
  }
}
