// Plays fMP4 over WebSocket with Media Source Extensions; runs in the browser.
async function playFmp4(address, playMs) {
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await new Promise((resolve) => source.addEventListener('sourceopen', resolve, { once: true }));
  const startMs = performance.now();
  const result = { texts: [], firstPictureMs: -1, mime: '', error: '', frames: 0, soundBytes: 0, supported: null };
  video.requestVideoFrameCallback(() => {
    result.firstPictureMs = performance.now() - startMs;
  });
  const queue = [];
  let buffer;
  const feed = () => {
    if (!buffer || buffer.updating || queue.length === 0) return;
    try {
      buffer.appendBuffer(queue.shift());
    } catch (thrown) {
      result.error ||= String(thrown);
    }
  };
  const socket = new WebSocket(address);
  socket.binaryType = 'arraybuffer';
  socket.onmessage = ({ data }) => {
    if (typeof data !== 'string') {
      queue.push(data);
      feed();
      return;
    }
    const message = JSON.parse(data);
    result.texts.push(message.type);
    if (message.type !== 'init') return;
    result.mime = message.mime;
    result.supported = MediaSource.isTypeSupported(message.mime);
    if (buffer) return;
    buffer = source.addSourceBuffer(message.mime);
    buffer.addEventListener('updateend', () => {
      if (buffer.buffered.length > 0 && video.currentTime < buffer.buffered.start(0))
        video.currentTime = buffer.buffered.end(buffer.buffered.length - 1) - 0.05;
      feed();
    });
    buffer.addEventListener('error', () => {
      result.error ||= `buffer: ${video.error?.message}`;
    });
  };
  video.addEventListener('error', () => {
    result.error ||= `video: ${video.error?.message}`;
  });
  video.play().catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, playMs));
  result.frames = video.getVideoPlaybackQuality().totalVideoFrames;
  result.soundBytes = video.webkitAudioDecodedByteCount;
  result.currentTime = video.currentTime;
  result.ranges = buffer
    ? Array.from({ length: buffer.buffered.length }, (_, i) => [buffer.buffered.start(i), buffer.buffered.end(i)])
    : [];
  socket.close();
  video.remove();
  return result;
}
