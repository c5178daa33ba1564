import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';

/** What a relay does to datagrams of media on their way from the camera; 0 or missing: nothing. */
export interface RelayFaults {
  /** Every so many packets, one is lost. */
  readonly loseEvery?: number;
  /** Every so many packets, one comes after the next three. */
  readonly delayEvery?: number;
  /** Every so many packets, one comes twice. */
  readonly doubleEvery?: number;
}

/** An RTSP relay on loopback: passes the connection on, and the datagrams through sockets of its own, with faults. */
export class UdpRelay implements AsyncDisposable {
  faults: RelayFaults = {};
  /** Packets of media that came from the camera, and what became of them. */
  readonly counts = { passed: 0, lost: 0, delayed: 0, doubled: 0 };
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #udp = new Set<UdpSocket>();

  private constructor(cameraPort: number) {
    this.#server = net.createServer((socket) => this.#accept(socket, cameraPort));
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  static async open(cameraPort: number, faults: RelayFaults = {}): Promise<UdpRelay> {
    const relay = new UdpRelay(cameraPort);
    relay.faults = faults;
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const socket of this.#udp) socket.close();
    this.#server.close();
  }

  #accept(client: net.Socket, cameraPort: number): void {
    const camera = net.connect(cameraPort, '127.0.0.1');
    const lanes: Lane[] = [];
    let pending = Promise.resolve();
    for (const socket of [client, camera]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        camera.destroy();
      });
    }
    // Requests come whole: a client sends one and waits.
    client.on('data', (chunk) => {
      pending = pending.then(async () => {
        camera.write(await this.#toCamera(chunk.toString('latin1'), lanes), 'latin1');
      });
    });
    camera.on('data', (chunk) => client.write(fromCamera(chunk.toString('latin1'), lanes.at(-1)), 'latin1'));
  }

  async #toCamera(text: string, lanes: Lane[]): Promise<string> {
    const ports = /client_port=(\d+)-(\d+)/.exec(text);
    if (!ports) return text;
    const lane = await Lane.open([Number(ports[1]), Number(ports[2])], (packet, send) => this.#pass(packet, send));
    for (const socket of lane.sockets) this.#udp.add(socket);
    lanes.push(lane);
    return text.replace(ports[0], `client_port=${lane.ports.join('-')}`);
  }

  #held: (() => void) | undefined;
  #heldFor = 0;

  #pass(packet: Buffer, send: (packet: Buffer) => void): void {
    const { loseEvery = 0, delayEvery = 0, doubleEvery = 0 } = this.faults;
    const number = ++this.counts.passed;
    if (loseEvery > 0 && number % loseEvery === 0) {
      this.counts.lost++;
      return;
    }
    if (delayEvery > 0 && number % delayEvery === 0 && this.#held === undefined) {
      this.counts.delayed++;
      this.#heldFor = 3;
      this.#held = () => send(packet);
      return;
    }
    send(packet);
    if (this.#held !== undefined && --this.#heldFor === 0) {
      this.#held();
      this.#held = undefined;
    }
    if (doubleEvery > 0 && number % doubleEvery === 0) {
      this.counts.doubled++;
      send(packet);
    }
  }
}

function fromCamera(text: string, lane: Lane | undefined): string {
  const ports = /server_port=(\d+)-(\d+)/.exec(text);
  if (!ports || lane === undefined) return text;
  lane.cameraPorts = [Number(ports[1]), Number(ports[2])];
  return text
    .replace(/client_port=\d+-\d+/, `client_port=${lane.clientPorts.join('-')}`)
    .replace(ports[0], `server_port=${lane.ports.join('-')}`);
}

/** Two sockets between the ports of the client and those of the camera. */
class Lane {
  readonly sockets: readonly [UdpSocket, UdpSocket];
  readonly ports: readonly [number, number];
  readonly clientPorts: readonly [number, number];
  cameraPorts: readonly [number, number] | undefined;

  private constructor(
    sockets: readonly [UdpSocket, UdpSocket],
    clientPorts: readonly [number, number],
    pass: (packet: Buffer, send: (packet: Buffer) => void) => void,
  ) {
    this.sockets = sockets;
    this.clientPorts = clientPorts;
    this.ports = [sockets[0].address().port, sockets[1].address().port];
    for (const which of [0, 1] as const)
      sockets[which].on('message', (packet, from) => {
        const toPort = from.port === clientPorts[which] ? this.cameraPorts?.[which] : clientPorts[which];
        if (toPort === undefined) return;
        const send = (bytes: Buffer) => sockets[which].send(bytes, toPort, '127.0.0.1', () => {});
        if (which === 0 && toPort === clientPorts[0]) pass(packet, send);
        else send(packet);
      });
  }

  static async open(
    clientPorts: readonly [number, number],
    pass: (packet: Buffer, send: (packet: Buffer) => void) => void,
  ): Promise<Lane> {
    for (;;) {
      const rtp = await bind(0);
      const { port } = rtp!.address();
      const rtcp = port % 2 === 0 ? await bind(port + 1) : undefined;
      if (rtcp) return new Lane([rtp!, rtcp], clientPorts, pass);
      rtp!.close();
    }
  }
}

function bind(port: number): Promise<UdpSocket | undefined> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => resolve(undefined));
    socket.bind(port, '127.0.0.1', () => resolve(socket));
  });
}
