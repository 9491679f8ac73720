import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { type Clock, orAborted } from "@guardbee/kube";
import type { Logger } from "pino";
import { frame } from "../wire/frame.ts";
import { FrameReader } from "./frames.ts";
import type { Method, Methods } from "./method.ts";
import { type Code, code, encodeMessage, GrpcError } from "./status.ts";

export type CallOptions = {
  readonly methods: Methods;
  /** Of a request. */
  readonly maxBytes: number;
  /** Within it the request has to be here. */
  readonly receiveMs: number;
  readonly clock: Clock;
  readonly log: Logger;
};

/**
 * Answers the call that a stream is. Never throws: what goes wrong is its status, and where nobody
 * listens any more it is nothing. `signal` ends it from outside, as `unavailable`.
 */
export async function serveCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { options, signal }: { readonly options: CallOptions; readonly signal: AbortSignal },
): Promise<void> {
  const refusal = refusalOf(headers);
  if (refusal !== undefined) {
    stream.respond({ ":status": refusal }, { endStream: true });
    return;
  }
  const over = new AbortController();
  stream.once("close", () => over.abort(new GrpcError(code.cancelled, "the client went away")));
  const timeoutMs = parseTimeout(headers["grpc-timeout"]);
  if (timeoutMs !== undefined) {
    const late = new GrpcError(code.deadlineExceeded, "the client's deadline is over");
    options.clock.sleep(timeoutMs, over.signal).then(
      () => over.abort(late),
      () => {}, // it ended in time
    );
  }
  const ended = AbortSignal.any([signal, over.signal]);
  try {
    const path = headers[":path"] ?? "";
    const method = options.methods.get(path);
    if (method === undefined) {
      throw new GrpcError(code.unimplemented, `there is no method ${path.slice(0, 200)}`);
    }
    const request = await receive(stream, options, ended);
    await orAborted(answer(method, { request, stream }, ended), ended);
    end(stream, code.ok, "");
  } catch (error) {
    const { status, message } = statusOf(error, signal);
    if (status === code.internal) options.log.error({ err: error }, "a call failed");
    end(stream, status, message);
  } finally {
    over.abort();
  }
}

/** The status of HTTP for what is no call of gRPC. */
function refusalOf(headers: IncomingHttpHeaders): number | undefined {
  if (headers[":method"] !== "POST") return 405;
  const type = headers["content-type"] ?? "";
  return /^application\/grpc(\+proto)?(;|$)/.test(type) ? undefined : 415;
}

/** `10S` in ms; undefined: there is none, or it is none. */
function parseTimeout(text: string | string[] | undefined): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(String(text ?? "")) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  return Math.min(Math.ceil(Number(digits) * unitMs[unit]!), maxTimeoutMs);
}

const unitMs: Readonly<Record<string, number>> = {
  ...{ H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 },
};
const maxTimeoutMs = 2 ** 31 - 1;

/** The one message of a request. */
async function receive(
  stream: ServerHttp2Stream,
  { maxBytes, receiveMs, clock }: CallOptions,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const reader = new FrameReader(maxBytes);
  const received = new AbortController();
  const late = clock.sleep(receiveMs, AbortSignal.any([signal, received.signal])).then(() => {
    throw new GrpcError(code.deadlineExceeded, "the request did not come in time");
  });
  late.catch(() => {});
  const whole = (async () => {
    const messages: Uint8Array[] = [];
    for await (const part of stream.iterator({ destroyOnReturn: false })) {
      messages.push(...reader.take(part as Buffer));
    }
    if (messages.length === 1 && !reader.isWithin) return messages[0]!;
    const found = reader.isWithin ? "a part of one" : String(messages.length);
    throw new GrpcError(code.invalidArgument, `a request is one message, and this is ${found}`);
  })();
  try {
    return await orAborted(Promise.race([whole, late]), signal);
  } finally {
    received.abort();
    whole.catch(() => {});
  }
}

async function answer(
  method: Method,
  { request, stream }: { readonly request: Uint8Array; readonly stream: ServerHttp2Stream },
  signal: AbortSignal,
): Promise<void> {
  switch (method.kind) {
    case "unary": {
      const message = frame(await method.answer(request, signal));
      if (stream.closed || signal.aborted) return;
      begin(stream);
      stream.write(message);
      return;
    }
    case "stream":
      await method.stream(request, stream, signal);
  }
}

type Trailers = Readonly<Record<string, string>>;
const trailers = new WeakMap<ServerHttp2Stream, Trailers>();

function trailersFor(status: Code, message: string): Trailers {
  const words = message === "" ? {} : { "grpc-message": encodeMessage(message) };
  return { "grpc-status": String(status), ...words };
}

/** Of a stream that is ended by what writes to it. */
const endedByAgent = trailersFor(code.unavailable, "the agent ends");

/** Sends the headers, which say that the call was taken. */
export function begin(stream: ServerHttp2Stream): void {
  if (stream.closed || stream.destroyed || stream.headersSent) return;
  stream.once("wantTrailers", () => stream.sendTrailers(trailers.get(stream) ?? endedByAgent));
  stream.respond(
    { ":status": 200, "content-type": "application/grpc", "grpc-accept-encoding": "identity" },
    { waitForTrailers: true },
  );
}

function statusOf(
  error: unknown,
  signal: AbortSignal,
): { readonly status: Code; readonly message: string } {
  if (error instanceof GrpcError) return { status: error.code, message: error.message };
  if (signal.aborted) return { status: code.unavailable, message: "the agent ends" };
  return { status: code.internal, message: "the agent has a bug here; its log says more" };
}

/** The end of a call: its status, behind the headers where they are sent, else with them. */
function end(stream: ServerHttp2Stream, status: Code, message: string): void {
  if (stream.closed || stream.destroyed) return;
  const words = trailersFor(status, message);
  if (stream.headersSent) {
    trailers.set(stream, words);
    stream.end();
    return;
  }
  const headers = { ":status": 200, "content-type": "application/grpc" };
  stream.respond({ ...headers, ...words }, { endStream: true });
  // What it still sends nobody reads.
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}
