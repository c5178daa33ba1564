/**
 * RTSP publishers in one process, cheap to run: each announces /live/camN and sends H.264 of 25 pictures and 1 Mbit/s over
 * interleaved TCP, one write for each picture, none at the time of another. Prints `publishing` once all do.
 *
 *   node bench/rtsp-publishers.ts COUNT PORT [SECONDS]
 */
import { connect, type Socket } from 'node:net';
import { describePictures, fps, RtspPictures } from './rtsp-pictures.ts';

const [count, port, seconds] = [process.argv[2] ?? 1, process.argv[3] ?? 18554, process.argv[4] ?? 120].map(Number) as [
  number,
  number,
  number,
];
const ready: { readonly socket: Socket; readonly pictures: RtspPictures }[] = [];

function publish(index: number): void {
  const url = `rtsp://127.0.0.1:${port}/live/cam${index}`;
  const body = describePictures(url);
  const requests = [
    `ANNOUNCE ${url} RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    `SETUP ${url}/trackID=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record\r\n`,
    `RECORD ${url} RTSP/1.0\r\nCSeq: 3\r\n`,
  ];
  let session = '';
  let text = '';
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const ask = () => {
    const request = requests.shift()!;
    socket.write(request.startsWith('ANNOUNCE') ? request : `${request}${session}\r\n`);
  };
  const onAnswer = (bytes: Buffer) => {
    text += bytes.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!text.startsWith('RTSP/1.0 200')) throw new Error(text);
    session ||= /^(session: *[^;\r]+)/im.exec(text)?.[1]?.concat('\r\n') ?? '';
    text = text.slice(end + 4);
    if (requests.length > 0) return ask();
    socket.off('data', onAnswer).resume();
    ready.push({ socket, pictures: new RtspPictures({ phase: index / count }) });
    if (ready.length === count) begin();
  };
  socket.on('connect', ask);
  socket.on('data', onAnswer);
  socket.on('close', () => console.error(`${url} is closed`));
  socket.on('error', (error) => console.error(error.message));
}

function begin(): void {
  console.log('publishing');
  const startMs = performance.now();
  const stepMs = 1000 / fps / count;
  for (let index = 0; index < count; index++) {
    let sent = 0;
    const send = () => {
      const { socket, pictures } = ready[index]!;
      socket.write(pictures.next());
      setTimeout(send, startMs + index * stepMs + (++sent * 1000) / fps - performance.now());
    };
    setTimeout(send, index * stepMs);
  }
}

for (let index = 0; index < count; index++) setTimeout(publish, index * 5, index);
setTimeout(() => process.exit(0), seconds * 1000);
