/** Where a server listens, and a client connects. */
export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** Upstream's, which its clients try when they are told no other. */
export const defaultPort = 54321;
/** Upstream's run folder: its client looks here for the socket, and for what says where it is. */
export const runFolder = "/var/run/tetragon";
export const defaultSocket = `${runFolder}/tetragon.sock`;

/**
 * The address in `text`: `unix:///run/x.sock`, a path, `localhost:54321`, `localhost`, `:54321` or
 * `[::1]:54321`. Undefined when it is none.
 */
export function parseAddress(text: string): Address | undefined {
  const path = /^(?:unix:(?:\/\/)?)?(\/.+)$/.exec(text)?.[1];
  if (path !== undefined) return { kind: "unix", path };
  const [, bracketed, plain = "", digits] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  if ((host === "" && digits === undefined) || port > 65_535) return undefined;
  return { kind: "tcp", host, port };
}
