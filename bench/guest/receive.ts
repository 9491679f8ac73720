// Runs in the guest beside an agent: receives its events, and prints now and then how many there were
// so far.   node receive.ts grpc SOCKET | otlp PORT
import { connect as connectHttp2, createServer, type ServerHttp2Stream } from "node:http2";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { FrameReader } from "../../agent/grpc/frames.ts";

const quietMs = 200;
const mostBytes = 16 << 20;
let received = 0;
let isPrinting = false;

function add(count: number): void {
  received += count;
  if (isPrinting) return;
  isPrinting = true;
  setTimeout(() => {
    isPrinting = false;
    console.log(received);
  }, quietMs);
}

/** Asks for all events as soon as somebody listens. */
async function ask(socket: string): Promise<void> {
  const session = connectHttp2("http://agent", { createConnection: () => connect(socket) });
  const isListening = await new Promise<boolean>((resolve) => {
    session.once("connect", () => resolve(true)).once("error", () => resolve(false));
  });
  if (!isListening) {
    await sleep(quietMs);
    return ask(socket);
  }
  const stream = session.request({
    ...{ ":method": "POST", ":path": "/tetragon.FineGuidanceSensors/GetEvents" },
    ...{ "content-type": "application/grpc", te: "trailers" },
  });
  const frames = new FrameReader(mostBytes);
  stream.on("data", (part: Buffer) => add(frames.take(part).length));
  stream.on("close", () => process.exit(1)); // the agent is to go on
  stream.end(Buffer.alloc(5)); // an empty message
}

function listen(port: number): void {
  const server = createServer();
  server.on("stream", async (stream: ServerHttp2Stream) => {
    const body = Buffer.concat(await stream.toArray()) as Buffer;
    for (const message of new FrameReader(mostBytes).take(body)) add(recordsIn(message));
    stream.respond({ "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.alloc(5));
  });
  server.listen(port, "127.0.0.1");
}

/** How many log records an ExportLogsServiceRequest has. */
function recordsIn(request: Buffer): number {
  const inResource = fieldsOf(request, 1).flatMap((logs) => fieldsOf(logs, 2));
  return inResource.reduce((sum, logs) => sum + fieldsOf(logs, 2).length, 0);
}

/** The values of one field of a message in which all fields have a length. */
function fieldsOf(message: Buffer, wanted: number): readonly Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const field = varint() >> 3;
    const length = varint();
    if (field === wanted) found.push(message.subarray(at, at + length));
    at += length;
  }
  return found;
}

const [kind, where = ""] = process.argv.slice(2);
if (kind === "grpc") await ask(where);
else listen(Number(where));
