import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { frame } from "../wire/frame.ts";
import { aNode } from "./testing/a-node.ts";
import { ForeignClient } from "./testing/foreign-client.ts";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** A frame of HTTP/2 (RFC 9113, section 4.1), as its parts say, right or not. */
function http2Frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const settings = http2Frame(4, 0, 0, Buffer.alloc(0));

/** HPACK without a table: each header with its name and value in full. */
function headers(fields: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const each = Object.entries(fields).map(([name, value]) =>
    Buffer.concat([Buffer.from([0]), text(name), text(value)]),
  );
  return Buffer.concat(each);
}

const method = fc.constantFrom(
  "GetVersion",
  "GetEvents",
  "AddTracingPolicy",
  "Nothing",
  "GetDebug",
);
const call = method.map((name) =>
  headers({
    ...{ ":method": "POST", ":scheme": "http", ":authority": "x" },
    ...{ ":path": `/tetragon.FineGuidanceSensors/${name}`, "content-type": "application/grpc" },
  }),
);
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const message = fc.oneof(
  bytes,
  bytes.map((body) => frame(body)),
);
const anyFrame = fc
  .tuple(fc.nat({ max: 11 }), fc.nat({ max: 255 }), fc.nat({ max: 9 }), bytes)
  .map((parts) => http2Frame(...parts));
const goodCall = fc
  .tuple(call, message, fc.constantFrom(1, 3, 5), fc.boolean())
  .map(([head, body, stream, isWhole]) =>
    Buffer.concat([http2Frame(1, 4, stream, head), http2Frame(0, isWhole ? 1 : 0, stream, body)]),
  );
const sent = fc.oneof(
  bytes,
  fc
    .array(fc.oneof(goodCall, anyFrame), { minLength: 1, maxLength: 12 })
    .map((frames) => Buffer.concat([preface, settings, ...frames])),
);

test("the gRPC server answers whatever was sent before", async (t) => {
  const { path, events } = await aNode(t);
  const client = new ForeignClient(`unix:${path}`, "tetragon.FineGuidanceSensors");
  t.after(() => client.close());
  const minutes = Number(process.env.GUARDBEE_FUZZ_MINUTES ?? 0);
  const endMs = performance.now() + minutes * 60_000;
  do {
    await fc.assert(
      fc.asyncProperty(fc.array(sent, { minLength: 1, maxLength: 8 }), async (all) => {
        const sockets = all.map((one) => send(path, one));
        assert.deepEqual(await client.call("GetVersion"), { version: "1.2.3" });
        await setTimeout(5);
        for (const socket of sockets) socket.destroy();
        await Promise.all(sockets.map((socket) => socket.closed || once(socket, "close")));
      }),
      { numRuns: 100 },
    );
  } while (performance.now() < endMs);
  while (events.stats().readers !== 0) await setTimeout(5);
});

function send(path: string, what: Buffer): Socket {
  const socket = connect(path);
  socket.on("error", () => {});
  socket.resume();
  socket.write(what);
  return socket;
}
