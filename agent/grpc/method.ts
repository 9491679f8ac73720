import type { ServerHttp2Stream } from "node:http2";
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { code, GrpcError } from "./status.ts";

/** What is asked for, and what is answered, in bytes. */
export type Method =
  | {
      readonly kind: "unary";
      answer(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
    }
  | {
      readonly kind: "stream";
      /** Writes framed messages until it is done, or the stream is closed. */
      stream(request: Uint8Array, to: ServerHttp2Stream, signal: AbortSignal): Promise<void>;
    };

/** By path: `/tetragon.FineGuidanceSensors/GetVersion`. */
export type Methods = ReadonlyMap<string, Method>;

type Handler<Of extends DescMethod> = Of["methodKind"] extends "unary"
  ? (
      request: MessageShape<Of["input"]>,
      signal: AbortSignal,
    ) => MessageInitShape<Of["output"]> | Promise<MessageInitShape<Of["output"]>>
  : (
      request: MessageShape<Of["input"]>,
      to: ServerHttp2Stream,
      signal: AbortSignal,
    ) => Promise<void>;

/** What answers each method of a service; none may be missing. */
export type Handlers<Service extends DescService> = {
  readonly [Name in keyof Service["method"]]: Handler<Service["method"][Name]>;
};

/** The methods of a service by path. */
export function methodsOf<Service extends DescService>(
  service: Service,
  handlers: Handlers<Service>,
): Methods {
  return new Map(
    service.methods.map((method) => {
      const handler = handlers[method.localName as keyof Service["method"]];
      return [`/${service.typeName}/${method.name}`, methodOf(method, handler as AnyHandler)];
    }),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: `Handlers` has checked each handler against its method.
type AnyHandler = (...args: any[]) => any;

function methodOf({ input, output, methodKind }: DescMethod, handler: AnyHandler): Method {
  if (methodKind === "unary") {
    return {
      kind: "unary",
      answer: async (request, signal) => {
        const answer = await handler(parse(input, request), signal);
        return toBinary(output, create(output, answer));
      },
    };
  }
  return {
    kind: "stream",
    stream: async (request, ...rest) => handler(parse(input, request), ...rest),
  };
}

/** What is unknown in it is left aside: a client may be newer. */
function parse(schema: DescMessage, bytes: Uint8Array): MessageShape<DescMessage> {
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (cause) {
    const what = `the message is no ${schema.typeName}`;
    throw new GrpcError(code.invalidArgument, `${what}: ${(cause as Error).message}`, { cause });
  }
}
