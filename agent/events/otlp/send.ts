import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";

/** What became of a request. `rejected`: records of it that the receiver will never take. */
export type Sent =
  | { readonly kind: "taken"; readonly rejected: number; readonly why?: string }
  /** Try again, not before `afterMs` where the receiver says so. */
  | { readonly kind: "later"; readonly why: string; readonly afterMs?: number }
  /** It will never be taken. */
  | { readonly kind: "refused"; readonly why: string };

/** Sends one ExportLogsServiceRequest. Rejects only when `signal` aborts. */
export type Send = (request: Buffer, signal: AbortSignal) => Promise<Sent>;

export type OtlpTarget = {
  readonly url: URL;
  readonly protocol: "grpc" | "http/protobuf";
  /** Sent with each request: who we are. */
  readonly headers: Readonly<Record<string, string>>;
};

/** What sends to `target`. Its connection keeps no process alive. */
export function openSend(target: OtlpTarget): Send {
  return target.protocol === "grpc"
    ? openGrpc(target)
    : (request, signal) => sendHttp(target, request, signal);
}

async function sendHttp(
  { url, headers }: OtlpTarget,
  body: Buffer,
  signal: AbortSignal,
): Promise<Sent> {
  try {
    const answer = await fetch(new URL(`${url.pathname.replace(/\/$/, "")}/v1/logs`, url), {
      method: "POST",
      headers: { ...headers, "content-type": "application/x-protobuf" },
      body: new Uint8Array(body),
      redirect: "error",
      signal,
    });
    const text = Buffer.from(await answer.arrayBuffer());
    if (answer.ok) return takenOf(text);
    const why = `it answers ${answer.status} ${answer.statusText}`;
    if (![429, 502, 503, 504].includes(answer.status)) return { kind: "refused", why };
    const seconds = Number(answer.headers.get("retry-after"));
    return { kind: "later", why, ...(seconds > 0 ? { afterMs: seconds * 1_000 } : {}) };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "later", why: reasonOf(error) };
  }
}

function openGrpc({ url, headers }: OtlpTarget): Send {
  let session: ClientHttp2Session | undefined;
  const connected = () => {
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    const opened = connect(url.origin);
    opened.on("error", () => opened.destroy()); // each call is told itself
    opened.unref();
    session = opened;
    return opened;
  };
  return async (request, signal) => {
    try {
      const call = connected().request({
        ...headers,
        ":method": "POST",
        ":path": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        "content-type": "application/grpc",
        te: "trailers",
      });
      return await answerOf(call, request, signal);
    } catch (error) {
      signal.throwIfAborted();
      session?.destroy();
      return { kind: "later", why: reasonOf(error) };
    }
  };
}

async function answerOf(
  call: ClientHttp2Stream,
  request: Buffer,
  signal: AbortSignal,
): Promise<Sent> {
  const stop = () => call.destroy(new Error("aborted"));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  let [status, message, details] = ["", "", false];
  const note = (fields: Record<string, unknown>) => {
    status = String(fields["grpc-status"] ?? status);
    message = String(fields["grpc-message"] ?? message);
    details ||= fields["grpc-status-details-bin"] !== undefined;
  };
  call.on("response", (fields) => {
    note(fields);
    if (fields[":status"] !== 200) message = `it answers ${fields[":status"]}`;
  });
  call.on("trailers", note);
  const chunks: Buffer[] = [];
  call.on("data", (chunk: Buffer) => chunks.push(chunk));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(request.length, 1);
  call.end(Buffer.concat([prefix, request]));
  try {
    await once(call, "close");
  } finally {
    signal.removeEventListener("abort", stop);
  }
  signal.throwIfAborted();
  if (status === "0") return takenOf(Buffer.concat(chunks).subarray(5));
  const why = `it answers ${status === "" ? "no gRPC" : `gRPC ${status}`} ${message}`.trim();
  // Exhausted: for a while, when it says for how long; else this is too much for it.
  const isLater = retryable.has(status) || (status === "8" && details);
  return isLater ? { kind: "later", why } : { kind: "refused", why };
}

/** Codes of gRPC that OTLP says to try again: cancelled, deadline, aborted, out of range, unavailable, data loss. */
const retryable: ReadonlySet<string> = new Set(["1", "4", "10", "11", "14", "15", ""]);

/** ExportLogsServiceResponse: partial_success is field 1, in it rejected_log_records 1 and error_message 2. */
function takenOf(answer: Buffer): Sent {
  const partial = fieldOf(answer, 1);
  if (!Buffer.isBuffer(partial)) return { kind: "taken", rejected: 0 };
  const [rejected, message] = [fieldOf(partial, 1), fieldOf(partial, 2)];
  const why = Buffer.isBuffer(message) ? message.toString() : "";
  return { kind: "taken", rejected: typeof rejected === "number" ? rejected : 0, why };
}

/** A number or bytes of a message; undefined when it has none, or is none. */
function fieldOf(message: Buffer, wanted: number): number | Buffer | undefined {
  let at = 0;
  const varint = () => {
    let [value, scale] = [0, 1];
    for (; at < message.length; scale *= 128) {
      const byte = message[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < message.length) {
    const tag = varint();
    const type = tag % 8;
    if (type !== 0 && type !== 2) return undefined;
    const value = varint();
    const found = type === 0 ? value : message.subarray(at, at + value);
    if (type === 2) at += value;
    if (Math.floor(tag / 8) === wanted) return found;
  }
  return undefined;
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
