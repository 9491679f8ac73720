import { connect, type Socket } from "node:net";
import type { RunResult } from "../run.ts";
import { execdPort } from "./addresses.ts";

export type ExecOptions = {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Default 2 minutes. The command is killed when time is up, and the call rejects. */
  readonly timeoutMs?: number;
  /** Called with output as it comes; it is collected all the same. */
  readonly onOutput?: (stream: "stdout" | "stderr", chunk: Buffer) => void;
};

/**
 * Runs `argv` as root in the host namespaces of the node at `address`, through the gateway's
 * `socket`. The protocol is execd's: build/execd/main.go.
 */
export function execAt(
  socket: string,
  address: string,
  argv: readonly string[],
  options: ExecOptions = {},
): Promise<RunResult> {
  const env = Object.entries(options.env ?? {}).map(([key, value]) => `${key}=${value}`);
  const request = JSON.stringify({ argv, env, cwd: options.cwd ?? "/" });
  const connection = connect(socket);
  connection.on("error", () => undefined); // the reader below sees it too, unless it is done
  connection.write(`${address}:${execdPort}\n${request}\n`);
  connection.write(encodeInput(Buffer.from(options.input ?? "")));
  const timeoutMs = options.timeoutMs ?? 120_000;
  return new Promise<RunResult>((resolve, reject) => {
    const timer = setTimeout(() => {
      connection.destroy(new Error(`${argv.join(" ")}: no end after ${timeoutMs} ms`));
    }, timeoutMs);
    collect(connection, options)
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer);
        connection.destroy();
      });
  });
}

async function collect(connection: Socket, options: ExecOptions): Promise<RunResult> {
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const text = (stream: "stdout" | "stderr"): string => Buffer.concat(chunks[stream]).toString();
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of connection) {
    const { frames, rest } = decodeFrames(Buffer.concat([pending, chunk]));
    pending = rest;
    for (const { kind, payload } of frames) {
      if (kind === 3) {
        const exitCode = Number(payload.toString());
        return { exitCode, stdout: text("stdout"), stderr: text("stderr") };
      }
      const stream = kind === 1 ? "stdout" : "stderr";
      chunks[stream].push(payload);
      options.onOutput?.(stream, payload);
    }
  }
  throw new Error("execd: the node closed the connection before the command ended");
}

type Frame = { readonly kind: number; readonly payload: Buffer };

/** Standard input as execd reads it: one chunk, then the empty one that ends it. */
function encodeInput(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return bytes.length === 0 ? size : Buffer.concat([size, bytes, Buffer.alloc(4)]);
}

/** The whole frames at the start of `bytes`, and what is left. */
export function decodeFrames(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= 5) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    frames.push({ kind: bytes[at]!, payload: bytes.subarray(at + 5, end) });
    at = end;
  }
  return { frames, rest: bytes.subarray(at) };
}
