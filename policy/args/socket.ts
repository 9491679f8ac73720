import type { ArgKind } from "./kind.ts";
import { recordedSock } from "./recorded-net.ts";
import { ofSock, readSock } from "./sock.ts";

/** A `struct socket *`: what `sock` says of the socket behind it. */
export const socket = {
  ...ofSock,
  parameters: ["struct socket *"],
  read: (index, call) => readSock("socket", index, call),
  recorded: (argument) => {
    const sock = recordedSock(argument);
    return sock && { kind: "socket", sock };
  },
} as const satisfies ArgKind;
