import type { Socket } from "node:net";
import { type PeerBounds, PeerTable } from "./peer-table.ts";

/** The open connections of one server, from before their TLS handshake on. */
export class HttpConnections {
  /** By both ends, which is all that a TLS socket and the socket below it have in common. */
  readonly #table: PeerTable<string>;
  readonly #sockets = new Map<string, Socket>();

  constructor(bounds: PeerBounds) {
    this.#table = new PeerTable(bounds);
  }

  /** Ends the one that is now one too many. */
  add(socket: Socket): void {
    socket.on("error", () => {}); // `close` follows
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) {
      socket.destroy(); // gone already
      return;
    }
    const key = connectionKey(socket);
    this.#sockets.set(key, socket);
    socket.on("close", () => this.#forget(key, socket));
    const excess = this.#table.add(key, remoteAddress);
    if (excess !== undefined) this.destroy(excess);
  }

  /** It is not dropped until it is idle. */
  busy(key: string): void {
    this.#table.busy(key);
  }

  idle(key: string): void {
    this.#table.idle(key);
  }

  destroy(key: string): void {
    const socket = this.#sockets.get(key);
    if (socket === undefined) return;
    this.#forget(key, socket); // not with `close`, which comes after others were accepted
    socket.destroy();
  }

  destroyAll(): void {
    for (const key of [...this.#sockets.keys()]) this.destroy(key);
  }

  #forget(key: string, socket: Socket): void {
    if (this.#sockets.get(key) !== socket) return; // the peer's port is in use again
    this.#sockets.delete(key);
    this.#table.remove(key);
  }
}

export function connectionKey({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
