/** Test support: receivers of OTLP, which read protobuf with another library than ours is made with. */
import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import type { AddressInfo } from "node:net";
import protobuf from "protobufjs";

const schema = `
syntax = "proto3";
message Request { repeated ResourceLogs resource_logs = 1; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeLogs { Scope scope = 1; repeated LogRecord log_records = 2; }
message Scope { string name = 1; string version = 2; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; ArrayValue array_value = 5; } }
message ArrayValue { repeated AnyValue values = 1; }
message LogRecord {
  fixed64 time_unix_nano = 1; int32 severity_number = 2; string severity_text = 3; AnyValue body = 5;
  repeated KeyValue attributes = 6; fixed64 observed_time_unix_nano = 11; string event_name = 12;
}
message Response { PartialSuccess partial_success = 1; }
message PartialSuccess { int64 rejected_log_records = 1; string error_message = 2; }
`;
const { root } = protobuf.parse(schema, { keepCase: true });
const requests = root.lookupType("Request");
const responses = root.lookupType("Response");

export type Value = string | number | boolean | readonly Value[];
export type ReceivedRecord = {
  readonly attributes: Readonly<Record<string, Value>>;
  readonly body: Value;
  readonly eventName: string;
  readonly severity: readonly [number: number, text: string];
  /** Ns since 1970. */
  readonly times: readonly [time: string, observed: string];
};
export type ReceivedRequest = {
  readonly resource: Readonly<Record<string, Value>>;
  readonly scope: unknown;
  readonly records: readonly ReceivedRecord[];
};

export function decodeRequest(bytes: Buffer): ReceivedRequest {
  const message = requests.toObject(requests.decode(bytes), { longs: String, arrays: true });
  const [{ resource, scope_logs }] = message.resource_logs;
  const [{ scope, log_records }] = scope_logs;
  return { resource: attributesIn(resource.attributes), scope, records: log_records.map(recordOf) };
}

/** An ExportLogsServiceResponse. */
export function anAnswer(rejected: number, message: string): Buffer {
  const partial_success = { rejected_log_records: rejected, error_message: message };
  return Buffer.from(responses.encode(responses.fromObject({ partial_success })).finish());
}

// biome-ignore lint/suspicious/noExplicitAny: what another library decoded
function recordOf(record: any): ReceivedRecord {
  return {
    attributes: attributesIn(record.attributes),
    body: valueIn(record.body),
    eventName: record.event_name,
    severity: [record.severity_number, record.severity_text],
    times: [record.time_unix_nano, record.observed_time_unix_nano],
  };
}

// biome-ignore lint/suspicious/noExplicitAny: what another library decoded
function attributesIn(attributes: readonly any[]): Readonly<Record<string, Value>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueIn(value)]));
}

// biome-ignore lint/suspicious/noExplicitAny: what another library decoded
function valueIn({ string_value, bool_value, int_value, array_value }: any): Value {
  if (array_value !== undefined) return array_value.values.map(valueIn);
  return string_value ?? bool_value ?? Number(int_value);
}

/** What a receiver is asked, and what it is to answer next: a status of HTTP or gRPC, and a message. */
export type Received = {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
};
export type Answer = {
  readonly status: number;
  readonly body?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Receiver = {
  readonly url: string;
  readonly received: readonly Received[];
  [Symbol.asyncDispose](): Promise<void>;
};

export async function httpReceiver(answers: readonly Answer[]): Promise<Receiver> {
  const received: Received[] = [];
  const server = createHttp(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    received.push({ path: request.url ?? "", headers: request.headers, body });
    const { status, headers = {}, body: text } = answers[received.length - 1] ?? { status: 200 };
    response.writeHead(status, headers).end(text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const dispose = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { url: urlOf(server.address()), received, [Symbol.asyncDispose]: dispose };
}

export async function grpcReceiver(answers: readonly Answer[]): Promise<Receiver> {
  const received: Received[] = [];
  const sessions = new Set<{ destroy(): void }>();
  const server = createHttp2();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", async (stream, headers) => {
    const body = Buffer.concat(await stream.toArray());
    received.push({ path: String(headers[":path"]), headers, body: body.subarray(5) });
    const answer = answers[received.length - 1] ?? { status: 0 };
    stream.respond(
      { ":status": 200, "content-type": "application/grpc" },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () =>
      stream.sendTrailers({ "grpc-status": String(answer.status), ...answer.headers }),
    );
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(answer.body?.length ?? 0, 1);
    stream.end(
      answer.status === 0 ? Buffer.concat([prefix, answer.body ?? Buffer.alloc(0)]) : undefined,
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const dispose = async () => {
    for (const session of sessions) session.destroy();
    server.close();
    await once(server, "close");
  };
  return { url: urlOf(server.address()), received, [Symbol.asyncDispose]: dispose };
}

function urlOf(address: AddressInfo | string | null): string {
  return `http://127.0.0.1:${(address as AddressInfo).port}`;
}
