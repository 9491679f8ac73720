import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** Who may ask a server of TLS: those with a certificate for clients of this CA. */
export type TrustedClients = {
  /** PEM, one or more. */
  readonly ca: string;
  /** Common names, one of which the certificate must have; empty: any. */
  readonly names: readonly string[];
};

/** Why the peer may not ask; undefined: it may. */
export function distrust(socket: Socket, { names }: TrustedClients): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) {
    return "a client certificate of the CA that is configured is required";
  }
  const { CN: name } = socket.getPeerCertificate().subject ?? {};
  if (names.length === 0 || (typeof name === "string" && names.includes(name))) return undefined;
  return `the client certificate's common name is none of ${names.join(", ")}`;
}
