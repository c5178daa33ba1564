/** Hands on what the microphone gives, 16-bit samples with the low byte first, 20 ms or so at once. */
class TalkProcessor extends AudioWorkletProcessor {
  waiting = [];
  count = 0;

  process([input]) {
    const samples = input?.[0];
    if (!samples) return true;
    this.waiting.push(samples.slice());
    this.count += samples.length;
    if (this.count < sampleRate / 50) return true;
    const view = new DataView(new ArrayBuffer(this.count * 2));
    let at = 0;
    for (const block of this.waiting)
      for (const sample of block) {
        view.setInt16(at, Math.max(-1, Math.min(1, sample)) * 32767, true);
        at += 2;
      }
    this.waiting = [];
    this.count = 0;
    this.port.postMessage(view.buffer, [view.buffer]);
    return true;
  }
}

registerProcessor('talk', TalkProcessor);
