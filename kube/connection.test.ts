import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { KubeError } from "./kube-error.ts";
import { aStatus, ScriptedServer } from "./testing/scripted-server.ts";

let server: ScriptedServer;
let stop: AbortController;
beforeEach(async () => {
  server = await ScriptedServer.start();
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  server.close();
});

test("a request sends method, query, body and content type, and gives the parsed answer", async () => {
  const answer = server.connection().request(
    {
      method: "PATCH",
      path: "/api/v1/nodes/a",
      query: { force: true, absent: undefined },
      body: { a: 1 },
      contentType: "application/apply-patch+yaml",
    },
    stop.signal,
  );
  const exchange = await server.next();
  assert.equal(exchange.method, "PATCH");
  assert.equal(exchange.path, "/api/v1/nodes/a");
  assert.equal(exchange.query.toString(), "force=true");
  assert.equal(exchange.headers["content-type"], "application/apply-patch+yaml");
  assert.deepEqual(exchange.body, { a: 1 });
  exchange.reply(200, { ok: "ü" });
  assert.deepEqual(await answer, { ok: "ü" });
});

test("a refusal becomes a KubeError with status, reason, message and delay", async () => {
  const answer = server.connection().request({ path: "/api/v1/pods" }, stop.signal);
  const status = aStatus(429, "TooManyRequests", "please wait");
  (await server.next()).reply(429, status, { "retry-after": "7" });
  await assert.rejects(answer, (error) => {
    assert.ok(error instanceof KubeError);
    assert.deepEqual(
      [error.status, error.reason, error.retryAfterMs, error.message],
      [429, "TooManyRequests", 7000, "GET /api/v1/pods: 429 please wait"],
    );
    return true;
  });
});

test("a refusal that is no Status shows the start of its text", async () => {
  const answer = server.connection().request({ path: "/x" }, stop.signal);
  (await server.next()).reply(502, "<html>bad gateway</html>");
  await assert.rejects(answer, { message: "GET /x: 502 <html>bad gateway</html>", status: 502 });
});

test("401 is tried once more with the token read again", async () => {
  const answer = server.connection(["old", "new"]).request({ path: "/x" }, stop.signal);
  const first = await server.next();
  assert.equal(first.headers.authorization, "Bearer old");
  first.reply(401, aStatus(401, "Unauthorized", "no"));
  const second = await server.next();
  assert.equal(second.headers.authorization, "Bearer new");
  second.reply(200, {});
  assert.deepEqual(await answer, {});
});

test("an abort rejects with the reason of the signal, before and during the answer", async () => {
  const connection = server.connection();
  const before = connection.request({ path: "/x" }, stop.signal);
  await server.next();
  const reason = new Error("enough");
  stop.abort(reason);
  await assert.rejects(before, (error) => error === reason);

  const later = new AbortController();
  const during = connection.request({ path: "/y" }, later.signal);
  (await server.next()).stream().raw("{");
  later.abort(reason);
  await assert.rejects(during, (error) => error === reason);
});

test("an answer that does not come in time is an error that says so", async () => {
  const answer = server.connection().request({ path: "/slow", timeoutMs: 20 }, stop.signal);
  await server.next();
  await assert.rejects(answer, { message: "GET /slow: no answer within 20 ms" });
});

test("a dropped connection names the request and the server", async () => {
  const answer = server.connection().request({ path: "/x" }, stop.signal);
  (await server.next()).drop();
  await assert.rejects(answer, /^Error: GET \/x: 127\.0\.0\.1:\d+: socket hang up$/);
});

test("a kept-alive socket that the server closed is replaced without an error", async () => {
  const connection = server.connection();
  const first = connection.request({ path: "/1" }, stop.signal);
  (await server.next()).reply(200, {});
  await first;
  const second = connection.request({ path: "/2" }, stop.signal);
  (await server.next()).drop();
  (await server.next()).reply(200, { fresh: true });
  assert.deepEqual(await second, { fresh: true });
});

test("lines come as they are written, cut anywhere, and end with the answer", async () => {
  const lines = server.connection().lines({ path: "/w" }, stop.signal);
  const one = lines.next();
  const whole = (await server.next()).stream();
  whole.raw("a\nb\n\nc"); // c is cut off
  assert.deepEqual(await one, { done: false, value: "a" });
  assert.deepEqual(await lines.next(), { done: false, value: "b" });
  whole.end();
  assert.deepEqual(await lines.next(), { done: true, value: undefined });
});

test("a DELETE says how long its body is, so that the next request on the socket is understood", async () => {
  const connection = server.connection();
  const body = { preconditions: { uid: "ü" } };
  const first = connection.request({ method: "DELETE", path: "/1", body }, stop.signal);
  const exchange = await server.next();
  assert.deepEqual(exchange.body, body);
  assert.equal(exchange.headers["content-length"], String(Buffer.byteLength(JSON.stringify(body))));
  exchange.reply(200, {});
  await first;
  const second = connection.request({ path: "/2" }, stop.signal);
  (await server.next()).reply(200, { fine: true });
  assert.deepEqual(await second, { fine: true });
});
