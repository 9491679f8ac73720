import { once } from "node:events";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import fc from "fast-check";
import { closeOf, openTo, type Target } from "./raw-http.ts";

/** What the server is for. */
export type Served = {
  readonly paths: readonly string[];
  /** Whole ones, as they should be but for their body. */
  readonly requests: fc.Arbitrary<Uint8Array>;
};

/** What is sent on one connection, in parts, and how the connection is left. */
type Conversation = {
  /** The TLS of the target is left out: garbage, or a handshake that is cut, in its place. */
  readonly below: boolean;
  readonly bytes: Uint8Array;
  /** Where the bytes are cut into writes. */
  readonly cuts: readonly number[];
  readonly leave: "end" | "reset";
};

/**
 * Sends what no client sends to a server on loopback, several connections at once, and after each
 * round asks `stillAnswers`. Fails when a connection stays open 15 s after its end, which is past
 * all limits of a server. 300 rounds, or as many as take GUARDBEE_FUZZ_MINUTES (`make fuzz`).
 */
export async function fuzzServer(
  target: Target,
  served: Served,
  stillAnswers: () => Promise<void>,
): Promise<void> {
  const hello = target.tls === undefined ? [] : [fc.constant(await clientHello())];
  const round = fc.array(conversation(served, hello), { minLength: 1, maxLength: 8 });
  const minutes = Number(process.env.GUARDBEE_FUZZ_MINUTES ?? 0);
  const extent =
    minutes > 0
      ? { numRuns: 2 ** 31, interruptAfterTimeLimit: minutes * 60_000 }
      : { numRuns: 300 };
  await fc.assert(
    fc.asyncProperty(round, async (conversations) => {
      await Promise.all(conversations.map((one) => hold(target, one)));
      await stillAnswers();
    }),
    extent,
  );
}

async function hold(target: Target, { below, bytes, cuts, leave }: Conversation): Promise<void> {
  const socket = openTo(below ? { port: target.port } : target);
  socket.resume();
  const closed = closeOf(socket);
  let from = 0;
  for (const to of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b)]) {
    socket.write(bytes.subarray(from, to));
    from = to;
    await new Promise((resolve) => setImmediate(resolve)); // a packet of its own, more or less
  }
  if (leave === "end") socket.end(bytes.subarray(from));
  else socket.write(bytes.subarray(from), () => socket.destroy());
  const limit = AbortSignal.timeout(15_000);
  const hangs = once(limit, "abort").then(() => {
    throw new Error("the connection is open 15 s after its end");
  });
  hangs.catch(() => {}); // nobody waits for it any more when it has closed
  await Promise.race([closed, hangs]);
}

function conversation(
  { paths, requests }: Served,
  hello: readonly fc.Arbitrary<Uint8Array>[],
): fc.Arbitrary<Conversation> {
  const request = fc
    .record({
      line: requestLine(paths),
      headers: fc.array(header, { maxLength: 6 }),
      body: fc.oneof(fc.uint8Array({ maxLength: 64 }), chunked),
    })
    .map(({ line, headers, body }) =>
      Buffer.concat([Buffer.from(`${line}\r\n${headers.join("")}\r\n`, "latin1"), body]),
    );
  const odd = fc.array(request, { minLength: 1, maxLength: 3 }).map((all) => Buffer.concat(all));
  const bytes = fc.oneof(
    { weight: 6, arbitrary: odd },
    { weight: 3, arbitrary: requests },
    { weight: 3, arbitrary: fc.tuple(fc.oneof(odd, requests), edits).map(edited) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 2_000 }) },
    ...hello.map((arbitrary) => ({
      weight: 4,
      arbitrary: fc.tuple(arbitrary, edits).map(edited),
    })),
  );
  return fc.record({
    below: fc.integer({ min: 0, max: 4 }).map((one) => one === 0),
    bytes,
    cuts: fc.array(fc.nat(4_000), { maxLength: 4 }),
    leave: fc.constantFrom("end", "end", "reset"),
  });
}

function requestLine(paths: readonly string[]): fc.Arbitrary<string> {
  const methods = [
    "GET",
    "POST",
    "HEAD",
    "OPTIONS",
    "CONNECT",
    "PRI",
    "TRACE",
    "PUT",
    "get",
    "",
    "\0",
  ];
  const odd = ["//", "http://[", "*", "/%", "/%00", "?", "", "x:443", "http://x/", "/__proto__"];
  const target = fc.oneof(
    fc.constantFrom(...paths, ...odd),
    fc.constantFrom(...paths, ...odd).map((path) => `${path}?${"a".repeat(9_000)}`),
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.webUrl(),
  );
  const version = fc.constantFrom("HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "");
  return fc
    .tuple(fc.constantFrom("GET", "POST", ...methods), target, version)
    .map((parts) => parts.join(" "));
}

const header: fc.Arbitrary<string> = fc
  .oneof(
    fc.constantFrom(
      ...["host: x", "host: x", "host:", "connection: close", "connection: keep-alive"],
      ...["connection: upgrade", "upgrade: websocket", "upgrade: h2c", "http2-settings: x"],
      ...["expect: 100-continue", "expect: x", "transfer-encoding: chunked"],
      ...["transfer-encoding: gzip", "transfer-encoding: chunked, identity", "content-length: 0"],
      ...["content-length: 5", "content-length: -1", "content-length: 5, 6"],
      ...["content-length: 99999999999999999999", "content-length: 1000000000"],
      ...["content-type: application/json", "content-type: \xff", " folded", "no colon", ":"],
    ),
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.integer({ min: 1, max: 10_000 }).map((length) => `x: ${"a".repeat(length)}`),
    fc.integer({ min: 1, max: 300 }).map((count) => "x: y\r\n".repeat(count)),
  )
  .map((line) => `${line}\r\n`);

const chunked: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.constantFrom(
      "5\r\nabcde\r\n",
      "0\r\n\r\n",
      "zz\r\n",
      "5;x=y\r\n",
      "ffffffffffffffff\r\n",
      "-1\r\n",
    ),
    { maxLength: 5 },
  )
  .map((parts) => Buffer.from(parts.join("")));

/** Bytes to overwrite, cut out or put in, by position. */
const edits = fc.array(
  fc.record({ at: fc.nat(3_000), remove: fc.nat(4), insert: fc.uint8Array({ maxLength: 4 }) }),
  { maxLength: 4 },
);

function edited([original, changes]: [
  Uint8Array,
  readonly { at: number; remove: number; insert: Uint8Array }[],
]): Uint8Array {
  return changes.reduce((bytes: Uint8Array, { at, remove, insert }) => {
    const from = at % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, from), insert, bytes.subarray(from + remove)]);
  }, original);
}

/** The first message of a client of TLS. */
async function clientHello(): Promise<Uint8Array> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const socket = new Duplex({ read() {}, write: (chunk) => resolve(chunk) });
  const client = connectTls({ socket });
  client.on("error", () => {});
  const hello = await promise;
  client.destroy();
  return hello;
}
