import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@guardbee/kube";
import pino from "pino";
import { ModuleChecks } from "../opa/inspect.ts";
import { Sandbox } from "../opa/sandbox.ts";
import { opaLike } from "../opa/testing/opa-like.ts";
import { PolicyRego } from "./policy-rego.ts";
import { unitInForce } from "./rego-state.ts";
import type { Compile, RegoContent } from "./unit.ts";

const signal = new AbortController().signal;
const load = { entryPoint: "x/y", limits: { deadlineMs: 200, memoryMiB: 64 } };
const aContent = (key: string): RegoContent => ({
  ...{ digest: key, key, data: {}, sources: [{ path: "a.rego", text: key }] },
});

/** The Rego of a policy that compiles unless it is called bad. */
function aRego() {
  const compiled: string[] = [];
  const changes: (string | undefined)[] = [];
  const sandbox = new Sandbox({ log: pino({ level: "silent" }) });
  const compile: Compile = async ([source], _options, within) => {
    within.throwIfAborted();
    compiled.push(source!.text);
    const problem = { file: "a.rego", row: 1, column: 1, code: "rego", message: "is bad" };
    if (source!.text === "bad") return { ok: false, problems: [problem] };
    return { ok: true, module: opaLike(), opaVersion: "1" };
  };
  const rego = new PolicyRego({
    ...{ subject: "RegoPolicy gen", owner: undefined, compile, sandbox },
    ...{ checks: new ModuleChecks(sandbox), clock: systemClock, log: pino({ level: "silent" }) },
    onChange: () => changes.push(unitInForce(rego.state)?.key),
  });
  const loaded = async (key: string) => {
    const found = await rego.load(aContent(key), load, signal);
    assert.ok(found.ok);
    return found.value;
  };
  return { rego, loaded, compiled, changes };
}

test("what is loaded is a candidate, and in force once it works", async () => {
  const { rego, loaded, changes } = aRego();
  assert.equal(rego.state.kind, "none");
  const first = await loaded("first");
  assert.equal(rego.state.kind, "candidate");
  assert.equal(unitInForce(rego.state), undefined);
  rego.works(first);
  assert.deepEqual(rego.state, { kind: "inForce", unit: first });
  assert.deepEqual(changes, [first.key]);
  rego.works(await loaded("first"));
  assert.deepEqual(changes, [first.key], "the same changes nothing");
});

test("what was in force stays, whatever is tried beside it", async () => {
  const { rego, loaded, changes } = aRego();
  const first = await loaded("first");
  rego.works(first);
  assert.ok(!(await rego.load(aContent("bad"), load, signal)).ok);
  assert.equal(unitInForce(rego.state), first);
  rego.fails("it is not accepted");
  assert.equal(rego.state.kind, "broken");
  assert.equal(unitInForce(rego.state), first);
  const second = await loaded("second");
  assert.equal(rego.state.kind, "broken", "it has not been seen to work");
  assert.equal(unitInForce(rego.state), first);
  rego.works(second);
  assert.deepEqual(rego.state, { kind: "inForce", unit: second });
  assert.deepEqual(changes, [first.key, second.key]);
});

test("without anything that worked, what fails is broken, and says why", async () => {
  const { rego, loaded, changes } = aRego();
  await loaded("first");
  rego.fails("took too long");
  assert.equal(rego.state.kind === "broken" && rego.state.why, "took too long");
  assert.equal(unitInForce(rego.state), undefined);
  assert.deepEqual(changes, []);
});

test("neither what is in force nor what was tried last is compiled again, also when refused", async () => {
  const { rego, loaded, compiled } = aRego();
  rego.works(await loaded("first"));
  for (const key of ["bad", "bad", "first", "bad"]) await rego.load(aContent(key), load, signal);
  assert.deepEqual(compiled, ["first", "bad"]);
  await loaded("second");
  await rego.load(aContent("bad"), load, signal);
  assert.deepEqual(compiled, ["first", "bad", "second", "bad"]);
});

test("one that goes on from before keeps what is tried beside it", async () => {
  const { rego, loaded, compiled } = aRego();
  const first = await loaded("first");
  rego.works(first);
  await rego.load(aContent("bad"), load, signal);
  rego.works(await loaded("first"));
  assert.equal(rego.state.kind, "inForce");
  await rego.load(aContent("bad"), load, signal);
  assert.deepEqual(compiled, ["first", "bad"]);
});

test("loads that are asked for at once follow each other, and compile the same once", async () => {
  const { loaded, compiled } = aRego();
  const [one, other] = await Promise.all([loaded("first"), loaded("first")]);
  assert.equal(one, other);
  assert.deepEqual(compiled, ["first"]);
});

test("a load that is aborted leaves the next to try itself", async () => {
  const { rego, loaded, compiled } = aRego();
  const stopped = AbortSignal.abort("stopped");
  await assert.rejects(rego.load(aContent("first"), load, stopped), (why) => why === "stopped");
  assert.deepEqual([compiled, rego.state.kind], [[], "none"]);
  await loaded("first");
  assert.deepEqual([compiled, rego.state.kind], [["first"], "candidate"]);
});
