import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { execEvent } from "../events/event.ts";
import type { Process } from "../process/process.ts";
import { ProcessTree } from "../process/tree.ts";
import { decodeRecord } from "../records/decode.ts";
import type { ExecRecord } from "../records/kernel-record.ts";
import { execRecord } from "../records/testing-records.ts";
import { frame } from "../wire/frame.ts";
import { aFolder, aNode as aNodeAt, aPolicy as policy, until } from "./testing/a-node.ts";
import { type Failure, ForeignClient, type Plain, serviceOf } from "./testing/foreign-client.ts";

/** A node, and a client of it. */
async function aNode(t: TestContext, folder?: string) {
  const node = await aNodeAt(t, folder);
  const client = new ForeignClient(`unix:${node.path}`, "tetragon.FineGuidanceSensors");
  const end = async () => {
    client.close();
    await node.end();
  };
  t.after(() => client.close());
  return { ...node, client, end };
}

function aProcess(argument: string, filename = "/bin/cat"): Process {
  const record = execRecord({ filename, args: ["cat", argument] });
  return new ProcessTree(() => 0).exec(decodeRecord(record, 0) as ExecRecord);
}

type Policy = Plain & { readonly name: string; readonly state: string; readonly id: string };
async function listed(client: ForeignClient, domain = ""): Promise<readonly Policy[]> {
  const { policies = [] } = (await client.call("ListTracingPolicies", { domain })) as Plain;
  return policies as Policy[];
}

test("each method answers, or says why it does not", async (t) => {
  const { client } = await aNode(t);
  const answers: Record<string, unknown> = {};
  for (const name of Object.keys(serviceOf("tetragon.FineGuidanceSensors").methods)) {
    if (name !== "GetEvents") answers[name] = await client.call(name);
  }
  const nameMissing = { code: 3, details: "the name of the policy is missing" };
  const deprecated = (name: string, instead: string) => ({
    ...{ code: 12, details: `${name} is deprecated; use ${instead}` },
  });
  assert.deepEqual(answers, {
    GetHealth: {
      health_status: [
        {
          event: "HEALTH_STATUS_TYPE_STATUS",
          status: "HEALTH_STATUS_RUNNING",
          details: "running",
        },
      ],
    },
    AddTracingPolicy: { code: 3, details: "policy: 0 policies; give one" },
    DeleteTracingPolicy: nameMissing,
    ListTracingPolicies: {},
    ConfigureTracingPolicy: nameMissing,
    EnableTracingPolicy: nameMissing,
    DisableTracingPolicy: nameMissing,
    ListSensors: deprecated("ListSensors", "ListTracingPolicies"),
    EnableSensor: deprecated("EnableSensor", "ConfigureTracingPolicy"),
    DisableSensor: deprecated("DisableSensor", "ConfigureTracingPolicy"),
    RemoveSensor: deprecated("RemoveSensor", "DeleteTracingPolicy"),
    ListDomains: { domains: ["grpc", "static"] },
    GetVersion: { version: "1.2.3" },
    GetInfo: {
      ...{ name: "guardbee", version: "1.2.3", build: {} },
      probes: [
        { Name: "fentry", Enabled: { value: true } },
        { Name: "lsm", Enabled: { value: true } },
      ],
      conf: [
        { key: "kube", value: packed("Bool", "") },
        { key: "nodeName", value: packed("String", "\u000a\u0002n1") },
        { key: "policy", value: packed("String", "\u000a\u0003a,b") },
        { key: "healthPort", value: packed("Int64", "\u0008\u0007") },
      ],
    },
    RuntimeHook: {},
    GetDebug: { level: "LOG_LEVEL_INFO" },
    SetDebug: { code: 3, details: "only the level of the log can be set" },
  });
});

function packed(type: string, bytes: string): Plain {
  const value = Buffer.from(bytes).toString("base64");
  const url = `type.googleapis.com/google.protobuf.${type}Value`;
  return value === "" ? { type_url: url } : { type_url: url, value };
}

test("a policy is added, listed, set to monitor, disabled, enabled and deleted", async (t) => {
  const { client, engine } = await aNode(t);
  const inForce = () =>
    engine.programmed.at(-1)!.sets.map(({ name, set }) => `${name} ${set.mode}`);
  assert.deepEqual(await client.call("AddTracingPolicy", { yaml: policy("kill") }), {});
  assert.deepEqual(inForce(), ["grpc#tracingpolicy.kill enforce"]);
  assert.deepEqual(await listed(client), [
    {
      ...{ id: "1", name: "kill", sensors: ["generic_kprobe"], enabled: true },
      ...{ state: "TP_STATE_ENABLED", mode: "TP_MODE_ENFORCE", domain: "grpc" },
      stats: { action_counters: {} },
    },
  ]);
  const at = { name: "kill" };
  assert.deepEqual(await client.call("ConfigureTracingPolicy", { ...at, mode: 2 }), {});
  assert.deepEqual(inForce(), ["grpc#tracingpolicy.kill monitor"]);
  assert.equal((await listed(client))[0]!.mode, "TP_MODE_MONITOR");
  assert.deepEqual(await client.call("DisableTracingPolicy", at), {});
  assert.deepEqual(inForce(), []);
  assert.equal((await listed(client))[0]!.state, "TP_STATE_DISABLED");
  assert.deepEqual(await client.call("DisableTracingPolicy", at), {
    ...{ code: 9, details: "policy kill is disabled already" },
  });
  assert.deepEqual(await client.call("ConfigureTracingPolicy", { ...at, enable: true }), {});
  assert.deepEqual(inForce(), ["grpc#tracingpolicy.kill monitor"]);
  assert.deepEqual(await client.call("DeleteTracingPolicy", at), {});
  assert.deepEqual([inForce(), await listed(client)], [[], []]);
  assert.deepEqual(await client.call("DeleteTracingPolicy", at), {
    ...{ code: 5, details: "there is no policy kill in domain grpc" },
  });
});

test("a policy that the kernel does not take is refused, stays listed, and can be replaced", async (t) => {
  const { client, engine } = await aNode(t);
  const failed = (await client.call("AddTracingPolicy", {
    yaml: policy("kill", "missing"),
  })) as Failure;
  assert.equal(failed.code, 2);
  const [found] = await listed(client);
  assert.deepEqual([found!.state, found!.error], ["TP_STATE_LOAD_ERROR", failed.details]);
  assert.ok(failed.details.length > 0);
  assert.deepEqual(await client.call("AddTracingPolicy", { yaml: policy("kill") }), {});
  assert.deepEqual(
    (await listed(client)).map(({ id, state }) => [id, state]),
    [["1", "TP_STATE_ENABLED"]],
  );
  assert.deepEqual(await client.call("AddTracingPolicy", { yaml: policy("kill") }), {
    code: 6,
    details: "policy kill is there already in domain grpc; delete it first",
  });
  assert.equal(engine.programmed.at(-1)!.sets.length, 1);
});

const wrong: readonly { name: string; request: Plain; want: string }[] = [
  {
    name: "no YAML",
    request: { yaml: "{" },
    want: "policy:1",
  },
  {
    name: "an unknown field",
    request: { yaml: policy("a").replace("syscall", "sycsall") },
    want: "did you mean syscall",
  },
  {
    name: "two policies",
    request: { yaml: `${policy("a")}---${policy("b")}` },
    want: "policy: 2 policies; give one",
  },
  {
    name: "a policy of pods where there is no Kubernetes",
    request: {
      yaml: policy("a")
        .replace("kind: TracingPolicy", "kind: TracingPolicyNamespaced")
        .replace("name: a", "name: a, namespace: web"),
    },
    want: "there is no Kubernetes here",
  },
  {
    name: "the domain of files",
    request: { yaml: policy("a"), domain: "static" },
    want: "domain static is not for policies that are added; leave it out",
  },
  {
    name: "a domain that is a path",
    request: { yaml: policy("a"), domain: "../x" },
    want: "the domain is no name of small letters, digits and dashes",
  },
];
for (const { name, request, want } of wrong) {
  test(`a policy is refused that has something wrong: ${name}`, async (t) => {
    const { client } = await aNode(t);
    const { code, details } = (await client.call("AddTracingPolicy", request)) as Failure;
    assert.equal(code, 3);
    assert.ok(details.includes(want), details);
    assert.deepEqual(await listed(client), []);
  });
}

test("policies that were added outlive the agent as they were left", async (t) => {
  const folder = aFolder(t);
  const first = await aNode(t, folder);
  for (const [name, domain] of [
    ["a", ""],
    ["b", "team"],
    ["c", ""],
  ]) {
    await first.client.call("AddTracingPolicy", { yaml: policy(name!), domain });
  }
  await first.client.call("AddTracingPolicy", { yaml: policy("bad", "missing") });
  await first.client.call("ConfigureTracingPolicy", { name: "a", mode: 2 });
  await first.client.call("DisableTracingPolicy", { name: "b", domain: "team" });
  await first.client.call("DeleteTracingPolicy", { name: "c" });
  await first.end();
  const { client } = await aNode(t, folder);
  await client.call("AddTracingPolicy", { yaml: policy("later") }); // is programmed with the others
  const found = await listed(client);
  assert.deepEqual(
    found.map(({ name, state, mode, domain }) => [name, state, mode, domain]).sort(),
    [
      ["a", "TP_STATE_ENABLED", "TP_MODE_MONITOR", "grpc"],
      ["b", "TP_STATE_DISABLED", "TP_MODE_ENFORCE", "team"],
      ["later", "TP_STATE_ENABLED", "TP_MODE_ENFORCE", "grpc"],
    ],
  );
  assert.deepEqual(
    (await listed(client, "team")).map(({ name }) => name),
    ["b"],
  );
});

test("fields and values of a later version are tolerated", async (t) => {
  const { client } = await aNode(t);
  // Field 9,999: a text; field 9,998: a number.
  const extra = Buffer.concat([
    Buffer.from([0xfa, 0xf0, 0x04, 2, 0x68, 0x69, 0xf0, 0xf0, 0x04, 7]),
  ]);
  assert.deepEqual(await client.call("GetVersion", {}, extra), { version: "1.2.3" });
  // An event type that there is not, in GetHealth's list.
  assert.ok("health_status" in (await client.call("GetHealth", { event_set: [77] })));
});

test("events come to each client, and a client that does not read holds up nobody", async (t) => {
  const { client, events, path } = await aNode(t);
  const process = aProcess("x".repeat(3_000));
  const session = connectHttp2("http://x", { createConnection: () => connect(path) });
  const stuck = session.request({
    ...{ ":method": "POST", ":path": "/tetragon.FineGuidanceSensors/GetEvents" },
    "content-type": "application/grpc",
  });
  stuck.end(frame(Buffer.alloc(0))); // and reads nothing
  const seen: Plain[] = [];
  const reading = client.stream("GetEvents").on("error", () => {});
  reading.on("data", (event: Plain) => seen.push(event));
  await until(() => events.stats().readers === 2);
  const count = 4_000;
  for (let i = 0; i < count; i += 8) {
    events.write(Array.from({ length: 8 }, (_, at) => execEvent(process, BigInt(i + at))));

    await setImmediate();
  }
  await until(() => seen.length === count);
  const [first] = seen;
  const { process: who } = first!.process_exec as { process: Plain };
  assert.deepEqual([who.binary, first!.node_name], ["/bin/cat", "n1"]);
  const { delivered, dropped, waiting } = events.stats();
  assert.equal(delivered + dropped.backlog + dropped.closed + waiting, 2 * count);
  assert.ok(dropped.backlog > 0, "what the one did not read was dropped");
  reading.cancel();
  session.destroy();
});

test("200 clients are served", async (t) => {
  const { events, path } = await aNode(t);
  const process = aProcess("x");
  const clients = Array.from(
    { length: 200 },
    () => new ForeignClient(`unix:${path}`, "tetragon.FineGuidanceSensors"),
  );
  const first = clients.map((client) => {
    const stream = client.stream("GetEvents").on("error", () => {});
    return new Promise<Plain>((resolve) => {
      stream.once("data", (event: Plain) => {
        resolve(event);
        stream.cancel();
      });
    });
  });
  await until(() => events.stats().readers === 200);
  events.write([execEvent(process, 7n)]);
  assert.equal((await Promise.all(first)).length, 200);
  await until(() => events.stats().readers === 0);
  for (const client of clients) client.close();
});

test("health is told by the name of a service", async (t) => {
  const { path } = await aNode(t);
  const client = new ForeignClient(`unix:${path}`, "grpc.health.v1.Health");
  assert.deepEqual(await client.call("Check", { service: "liveness" }), { status: "SERVING" });
  assert.deepEqual(await client.call("Check"), { status: "SERVING" });
  assert.deepEqual(await client.call("Check", { service: "x" }), {
    ...{ code: 5, details: "there is no service x" },
  });
  const watched = client.stream("Watch", { service: "" }).on("error", () => {});
  const seen = await new Promise<Plain>((resolve) => watched.once("data", resolve));
  assert.deepEqual(seen, { status: "SERVING" });
  watched.cancel();
  client.close();
});

test("a client gets the events that it asks for, and of them the fields", async (t) => {
  const { client, events } = await aNode(t);
  const [cat, dog] = [aProcess("x"), aProcess("x", "/bin/dog")];
  const asked = [
    { allow_list: [{ binary_regex: ["dog$"], event_set: ["PROCESS_EXEC", 77] }] },
    { deny_list: [{ binary_regex: ["dog$"] }] },
    { allow_list: [{ cel_expression: ["process_exec.process.binary == '/bin/dog'"] }] },
    {
      allow_list: [{ binary_regex: ["dog$"] }],
      field_filters: [{ fields: { paths: ["process.binary"] }, event_set: ["PROCESS_EXEC"] }],
    },
  ];
  const seen: Plain[][] = asked.map(() => []);
  const streams = asked.map((request, i) => {
    const stream = client.stream("GetEvents", request).on("error", (error: Failure) => {
      assert.equal(error.code, 1, error.details);
    });
    return stream.on("data", (event: Plain) => seen[i]!.push(event));
  });
  await until(() => events.stats().readers === asked.length);
  events.write([execEvent(cat, 1n), execEvent(dog, 2n)]);
  await until(() => seen.every((some) => some.length > 0));
  const binaries = seen.map((some) =>
    some.map((event) => (event.process_exec as { process: Plain }).process.binary),
  );
  assert.deepEqual(binaries, [["/bin/dog"], ["/bin/cat"], ["/bin/dog"], ["/bin/dog"]]);
  assert.deepEqual(seen[3]![0], {
    process_exec: { process: { binary: "/bin/dog" } },
    ...{ node_name: "n1", time: { nanos: 2 } },
  });
  for (const stream of streams) stream.cancel();
});

test("filters that are wrong are told, all of them, and expressions that hang others do not hang us", async (t) => {
  const { client } = await aNode(t);
  const failed = await new Promise<Failure>((resolve) => {
    client
      .stream("GetEvents", {
        allow_list: [{ binary_regex: ["(", "(a+)+$"] }],
        deny_list: [{ cel_expression: ["nothing.x == 1"] }],
      })
      .on("error", resolve)
      .resume();
  });
  assert.equal(failed.code, 3);
  assert.match(failed.details, /allow_list\[0\]\.binary_regex\[0\]/);
  assert.match(failed.details, /deny_list\[0\]\.cel_expression/);
});
