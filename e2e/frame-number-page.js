// Plays fMP4 over WebSocket with Media Source Extensions and reads the frame number from the picture; runs in the browser.
globalThis.watchFrameNumber = async (address, playMs) => {
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await new Promise((resolve) => source.addEventListener('sourceopen', resolve, { once: true }));
  const result = { error: '', firstPictureMs: -1, firstNumber: -1, number: -1, openedMs: 0, shownAtMs: 0, stalls: 0 };
  const firstPicture = new Promise((resolve) => {
    video.requestVideoFrameCallback(() => {
      result.firstPictureMs = performance.now() - startMs;
      result.firstNumber = readFrameNumber(video);
      resolve();
    });
  });
  video.addEventListener('waiting', () => {
    if (result.firstPictureMs >= 0) result.stalls++;
  });
  video.addEventListener('error', () => {
    result.error ||= `video: ${video.error?.message}`;
  });
  const startMs = performance.now();
  result.openedMs = startMs;
  const socket = new WebSocket(address);
  socket.binaryType = 'arraybuffer';
  feed(socket, { source, video, result });
  video.play().catch(() => {});
  const late = new Promise((resolve) => setTimeout(resolve, 5000));
  await Promise.race([firstPicture, late]);
  await new Promise((resolve) => setTimeout(resolve, playMs));
  await new Promise((resolve) => {
    video.requestVideoFrameCallback(() => {
      result.number = readFrameNumber(video);
      result.shownAtMs = performance.timeOrigin + performance.now();
      resolve();
    });
    setTimeout(resolve, 1000);
  });
  socket.close();
  video.remove();
  return result;
};

function feed(socket, { source, video, result }) {
  const queue = [];
  let buffer;
  let isPlaced = false;
  const append = () => {
    if (!buffer || buffer.updating || queue.length === 0) return;
    try {
      buffer.appendBuffer(queue.shift());
    } catch (thrown) {
      result.error ||= String(thrown);
    }
  };
  socket.onclose = ({ code, reason }) => {
    if (result.number < 0) result.error ||= `socket: ${code} ${reason}`;
  };
  socket.onmessage = ({ data }) => {
    if (typeof data !== 'string') {
      queue.push(data);
      append();
      return;
    }
    const message = JSON.parse(data);
    if (message.type !== 'init' || buffer) return;
    buffer = source.addSourceBuffer(message.mime);
    buffer.addEventListener('updateend', () => {
      // The stream's clock does not begin at 0. What comes at first is the newest GOP, in parts of a second: its end is live.
      if (queue.length === 0 && buffer.buffered.length > 0) {
        const liveAt = buffer.buffered.end(buffer.buffered.length - 1) - 0.1;
        if (!isPlaced || (liveAt - video.currentTime > 0.5 && performance.now() - result.openedMs < 500)) {
          isPlaced = true;
          video.currentTime = Math.max(buffer.buffered.start(0), liveAt);
        }
      }
      append();
    });
  };
}

// The sixteen blocks at the top: a Gray code of 15 bits, most significant first, and its parity. -1: none can be read.
function readFrameNumber(video) {
  const width = 320;
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = 180;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, width, 180);
  const { data } = context.getImageData(0, 10, width, 1);
  let code = 0;
  let ones = 0;
  for (let block = 0; block < 16; block++) {
    const level = data[Math.floor(((block + 0.5) * width) / 16) * 4 + 1];
    if (level > 90 && level < 160) return -1;
    const bit = level >= 160 ? 1 : 0;
    ones += bit;
    code = code * 2 + bit;
  }
  if (ones % 2 === 0) return -1;
  let value = code >> 1;
  for (let shift = 1; shift < 16; shift *= 2) value ^= value >> shift;
  return value;
}
