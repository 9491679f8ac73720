import { readFileSync } from "node:fs";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { connect } from "node:net";
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { frame } from "../wire/frame.ts";
import type { Address } from "./address.ts";
import { FrameReader } from "./frames.ts";
import { type Code, code, decodeMessage, GrpcError } from "./status.ts";

export type ClientOptions = {
  readonly address: Address;
  /** Absent: plain text. */
  readonly tls?: {
    /** Files of PEM; absent: those that the system trusts. */
    readonly cas: readonly string[];
    readonly certificate?: string;
    readonly key?: string;
    readonly serverName?: string;
    readonly verify: boolean;
  };
  /** Of an answer, or of a message of a stream. */
  readonly maxBytes: number;
};

/** Calls the methods of one server. Each call that does not end well rejects with a GrpcError. */
export class GrpcClient {
  readonly #session: ClientHttp2Session;
  readonly #maxBytes: number;
  #broken: Error | undefined;

  constructor({ address, tls, maxBytes }: ClientOptions) {
    this.#maxBytes = maxBytes;
    this.#session = connectTo(address, tls);
    this.#session.on("error", (error) => {
      this.#broken = error;
    });
  }

  /** The answer, within `timeoutMs`. */
  async call<Method extends DescMethod & { methodKind: "unary" }>(
    method: Method,
    request: MessageInitShape<Method["input"]>,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<MessageShape<Method["output"]>> {
    const ended = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const headers = { "grpc-timeout": `${Math.min(timeoutMs, 99_999_999)}m` };
    for await (const answer of this.#messages(method, { request, headers }, ended)) return answer;
    throw new GrpcError(code.internal, "the server answered nothing");
  }

  /** The messages of a stream, until it ends or `signal` aborts. */
  stream<Method extends DescMethod & { methodKind: "server_streaming" }>(
    method: Method,
    request: MessageInitShape<Method["input"]>,
    signal: AbortSignal,
  ): AsyncGenerator<MessageShape<Method["output"]>, void> {
    return this.#messages(method, { request, headers: {} }, signal);
  }

  close(): void {
    this.#session.destroy();
  }

  async *#messages<Method extends DescMethod>(
    method: Method,
    {
      request,
      headers,
    }: {
      readonly request: MessageInitShape<Method["input"]>;
      readonly headers: Readonly<Record<string, string>>;
    },
    signal: AbortSignal,
  ): AsyncGenerator<MessageShape<Method["output"]>, void> {
    const stream = this.#session.request({
      ...{ ":method": "POST", ":path": `/${method.parent.typeName}/${method.name}` },
      ...{ "content-type": "application/grpc", te: "trailers", ...headers },
    });
    const cancel = () => stream.close(constants.NGHTTP2_CANCEL);
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    const status = statusOf(stream);
    const input: DescMessage = method.input;
    stream.end(frame(toBinary(input, create(input, request))));
    const reader = new FrameReader(this.#maxBytes);
    try {
      for await (const part of stream) {
        for (const bytes of reader.take(part as Buffer)) {
          yield fromBinary(method.output, bytes) as MessageShape<Method["output"]>;
        }
      }
    } catch (error) {
      if (error instanceof GrpcError) throw error;
      this.#broken ??= error as Error;
    } finally {
      signal.removeEventListener("abort", cancel);
      cancel();
    }
    throwUnlessOk(status(), { broken: this.#broken, signal });
  }
}

function connectTo(address: Address, tls: ClientOptions["tls"]): ClientHttp2Session {
  if (address.kind === "unix") {
    const createConnection = () => connect(address.path);
    return connectHttp2("http://localhost", { createConnection });
  }
  const host = address.host.includes(":") ? `[${address.host}]` : address.host || "localhost";
  if (tls === undefined) return connectHttp2(`http://${host}:${address.port}`);
  const { cas, certificate, key, serverName, verify } = tls;
  return connectHttp2(`https://${host}:${address.port}`, {
    ...{ minVersion: "TLSv1.3", rejectUnauthorized: verify },
    ...(cas.length === 0 ? {} : { ca: cas.map((file) => readFileSync(file)) }),
    ...(certificate === undefined ? {} : { cert: readFileSync(certificate) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  });
}

/** What the headers, or the trailers behind the messages, say of the end. */
function statusOf(stream: ClientHttp2Stream): () => IncomingHttpHeaders {
  let found: IncomingHttpHeaders = {};
  const take = (headers: IncomingHttpHeaders) => {
    found = { ...found, ...headers };
  };
  stream.on("response", take);
  stream.on("trailers", take);
  stream.on("error", () => {}); // whoever reads the stream gets it
  return () => found;
}

function throwUnlessOk(
  headers: IncomingHttpHeaders,
  { broken, signal }: { readonly broken: Error | undefined; readonly signal: AbortSignal },
): void {
  const status = headers["grpc-status"];
  if (status === "0") return;
  if (status !== undefined) {
    throw new GrpcError(
      Number(status) as Code,
      decodeMessage(String(headers["grpc-message"] ?? "")),
    );
  }
  if (signal.aborted) {
    const isLate = signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
    throw isLate
      ? new GrpcError(code.deadlineExceeded, "context deadline exceeded")
      : signal.reason;
  }
  const http = headers[":status"];
  if (http !== undefined && Number(http) !== 200) {
    throw new GrpcError(code.unknown, `unexpected HTTP status ${http}: no gRPC is served there`);
  }
  throw new GrpcError(code.unavailable, broken?.message ?? "the connection ended", {
    cause: broken,
  });
}
