import type { ArgKind } from "./kind.ts";
import { ofSock, readSock } from "./sock.ts";

/** A `struct socket *`: what `sock` says of the socket behind it. */
export const socket = {
  ...ofSock,
  parameters: ["struct socket *"],
  read: (index, call) => readSock("socket", index, call),
} as const satisfies ArgKind;
