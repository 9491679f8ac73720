// What tetra prints, beside what upstream's own code prints of the same answers of one agent.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { someEvents } from "../../agent/events/testing/some-events.ts";
import { aNode, aPolicy, until } from "../../agent/grpc/testing/a-node.ts";
import { ensureBuilt } from "../../test/e2e/lab/build.ts";
import { tetra as program, runCli } from "../run-cli.ts";
import { anIo } from "../testing-io.ts";

/** Of upstream's generated code, its JSON, and gRPC's own client for Go. */
let upstream = "";
before(async () => {
  upstream = (await ensureBuilt(["upstream-client"]))["upstream-client"]!;
});

async function theirs(...words: readonly string[]): Promise<string> {
  const run = await promisify(execFile)(upstream, words).catch((error) => ({
    stdout: `Error: ${error.stderr}`,
  }));
  return run.stdout;
}

async function ours(words: string, path: string, signal = new AbortController().signal) {
  const { io, out, err } = anIo({ signal });
  await runCli([...words.split(" "), "--server-address", `unix://${path}`], io, program);
  return err() + out();
}

/** Go writes blanks between members in some builds, and none in others: the rest is to be the same. */
function withoutBlanks(lines: string): string {
  return lines
    .trimEnd()
    .split("\n")
    .map((line) => `${JSON.stringify(JSON.parse(line))}\n`)
    .join("");
}

test("a list of policies is upstream's JSON byte for byte, blanks apart", async (t) => {
  const { engine, path } = await aNode(t);
  const address = `unix://${path}`;
  for (const name of ["a", "b"]) {
    const yaml = aPolicy(name);
    await theirs("call", address, "AddTracingPolicy", JSON.stringify({ yaml }));
  }
  await theirs("call", address, "ConfigureTracingPolicy", '{"name":"b","mode":"TP_MODE_MONITOR"}');
  const { name, hash } = engine.programmed.at(-1)!.sets[0]!;
  engine.stopped.set(name, {
    ...{ hash, stopped: 7, wouldStop: 0, ofProtected: 1 },
    selectors: [{ hookIndex: 0, selectorIndex: 0, reported: 9, stopped: 7, wouldStop: 0 }],
  });
  const listed = await theirs("call", address, "ListTracingPolicies", "{}");
  const printed = await ours("tp list -o json", path);
  assert.match(printed, /"selector_action_counters":\[.*"domain":"grpc"/);
  // That release knows neither, and leaves them out.
  const known = (key: string, value: unknown) =>
    ["selector_action_counters", "domain"].includes(key) ? undefined : value;
  assert.equal(`${JSON.stringify(JSON.parse(printed), known)}\n`, withoutBlanks(listed));
});

test("what the agent refuses is said in the same words", async (t) => {
  const { path } = await aNode(t);
  for (const [words, method, request] of [
    ["tp delete x", "DeleteTracingPolicy", '{"name":"x"}'],
    ["tp enable x", "ConfigureTracingPolicy", '{"name":"x","enable":true}'],
    ["sensors list", "ListSensors", "{}"],
  ] as const) {
    const said = await theirs("call", `unix://${path}`, method, request);
    assert.match(said, /^Error: rpc error: code = \w+ desc = /);
    assert.equal(await ours(words, path), said, words);
  }
});

test("events are printed as upstream prints them, byte for byte, blanks apart", async (t) => {
  const { events, path } = await aNode(t);
  const some = Object.values(someEvents());
  const stop = new AbortController();
  const reading = ours("getevents", path, stop.signal);
  const streamed = theirs("stream", `unix://${path}`, String(some.length), "{}");
  await until(() => events.stats().readers === 2);
  events.write(some);
  const wanted = withoutBlanks(await streamed);
  await until(() => events.stats().waiting === 0);
  stop.abort();
  const printed = await reading;
  assert.equal(printed.split("\n").length, some.length + 1);
  assert.equal(printed, wanted);
});
