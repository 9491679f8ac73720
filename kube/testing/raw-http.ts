import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";

export type Target = { readonly port: number; readonly tls?: "handshake" };

/** A connection to a server on loopback; errors of it are silent, an end of it is `close`. */
export function openTo({ port, tls }: Target): Duplex {
  const to = { host: "127.0.0.1", port };
  const socket = tls === undefined ? connect(to) : connectTls({ ...to, rejectUnauthorized: false });
  socket.on("error", () => {});
  return socket;
}

/** Resolves when the connection is closed, in whatever way. */
export function closeOf(socket: Duplex): Promise<void> {
  return new Promise((resolve) => socket.on("close", () => resolve()));
}

/** All that comes back for `bytes` until the server hangs up. */
export async function converse(
  target: Target,
  ...bytes: readonly (string | Uint8Array)[]
): Promise<string> {
  const socket = openTo(target);
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  for (const part of bytes) socket.write(part);
  await closeOf(socket);
  return text;
}

/** The status line of the answer. */
export async function statusOf(target: Target, ...bytes: readonly string[]): Promise<string> {
  return (await converse(target, ...bytes)).split("\r\n", 1)[0] ?? "";
}
