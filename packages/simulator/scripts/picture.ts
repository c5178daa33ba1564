import { frameNumberBits, frameNumberLevel, frameNumberRows } from '../src/frame-number.ts';

/** 5 × 7 dots, a row of bits each. */
const glyphs: Readonly<Record<string, readonly number[]>> = {
  '0': [14, 17, 19, 21, 25, 17, 14],
  '1': [4, 12, 4, 4, 4, 4, 14],
  '2': [14, 17, 1, 2, 4, 8, 31],
  '3': [31, 2, 4, 2, 1, 17, 14],
  '4': [2, 6, 10, 18, 31, 2, 2],
  '5': [31, 16, 30, 1, 1, 17, 14],
  '6': [6, 8, 16, 30, 17, 17, 14],
  '7': [31, 1, 2, 4, 8, 8, 8],
  '8': [14, 17, 17, 14, 17, 17, 14],
  '9': [14, 17, 17, 15, 1, 2, 12],
  ':': [0, 4, 4, 0, 4, 4, 0],
  '.': [0, 0, 0, 0, 0, 4, 4],
  '#': [10, 10, 31, 10, 31, 10, 10],
  ' ': [0, 0, 0, 0, 0, 0, 0],
};

/** One picture as planar YUV 4:2:0: frame number, clock of the loop, a hand that goes round. */
export function drawFrame(number: number, picture: { width: number; height: number; fps: number }): Uint8Array {
  const { width, height, fps } = picture;
  const frame = new Uint8Array((width * height * 3) / 2);
  for (let y = 0; y < height; y++) frame.fill(50 + Math.floor((y * 60) / height), y * width, (y + 1) * width);
  frame.fill(118, width * height, (width * height * 5) / 4);
  frame.fill(122, (width * height * 5) / 4);
  const rows = frameNumberRows(height);
  for (let y = 0; y < rows; y++) {
    for (let block = 0; block < frameNumberBits; block++) {
      const from = y * width + Math.round((block * width) / frameNumberBits);
      const to = y * width + Math.round(((block + 1) * width) / frameNumberBits);
      frame.fill(frameNumberLevel(number, block), from, to);
    }
  }
  const ms = Math.floor(((number % fps) * 1000) / fps);
  const seconds = Math.floor(number / fps);
  const clock = `00:00:${String(seconds).padStart(2, '0')}.${String(ms).padStart(3, '0')}`;
  const dot = Math.floor(width / 90);
  drawText(frame, clock, { x: dot * 8, y: Math.floor(height * 0.34), dot, width });
  drawText(frame, `#${String(number).padStart(5, '0')}`, { x: dot * 8, y: Math.floor(height * 0.66), dot, width });
  drawHand(frame, number / fps, { width, height });
  return frame;
}

function drawText(frame: Uint8Array, text: string, at: { x: number; y: number; dot: number; width: number }): void {
  for (const [i, char] of [...text].entries()) {
    for (const [row, bits] of (glyphs[char] ?? glyphs[' ']!).entries()) {
      for (let column = 0; column < 5; column++) {
        if (((bits >> (4 - column)) & 1) === 0) continue;
        const x = at.x + (i * 6 + column) * at.dot;
        for (let dy = 0; dy < at.dot; dy++) {
          const from = (at.y + row * at.dot + dy) * at.width + x;
          frame.fill(230, from, from + at.dot);
        }
      }
    }
  }
}

function drawHand(frame: Uint8Array, seconds: number, picture: { width: number; height: number }): void {
  const { width, height } = picture;
  const radius = height * 0.17;
  const angle = seconds * Math.PI;
  const thick = Math.max(1, Math.floor(height / 90));
  for (let step = 0; step <= radius; step++) {
    const x = Math.floor(width * 0.85 + Math.sin(angle) * step);
    const y = Math.floor(height * 0.72 - Math.cos(angle) * step);
    for (let dy = -thick; dy <= thick; dy++)
      frame.fill(235, (y + dy) * width + x - thick, (y + dy) * width + x + thick);
  }
}
