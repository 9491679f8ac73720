import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { before, test } from "node:test";
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ensureBuilt } from "../../test/e2e/lab/build.ts";
import { createEventWire } from "../events/encode/event-wire.ts";
import { createJsonLine } from "../events/encode/json-lines.ts";
import { type AgentEvent, execEvent, exitEvent, hookEvent } from "../events/event.ts";
import { hookInfo, someEvents, web } from "../events/testing/some-events.ts";
import { FineGuidanceSensors, ProcessSchema } from "../gen/wire.ts";
import { ProcessTree } from "../process/tree.ts";
import { decodeRecord } from "../records/decode.ts";
import type { ExecRecord, HookRecord } from "../records/kernel-record.ts";
import {
  bufferArg,
  execRecord,
  fdArg,
  fileArg,
  hookRecord,
  intArg,
  sizeArg,
} from "../records/testing-records.ts";
import { aNode, aPolicy, until } from "./testing/a-node.ts";

/** Upstream's own code for the messages, and gRPC's own client for Go, of a release of theirs. */
let program = "";
before(async () => {
  program = (await ensureBuilt(["upstream-client"]))["upstream-client"]!;
});

async function run(words: readonly string[], input = ""): Promise<string> {
  const child = spawn(program, [...words], { stdio: ["pipe", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  child.stdin.end(input);
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(err.trim());
  return out;
}

test("every field, value and method of upstream's release has its name, number and type here", async () => {
  const theirs = (await run(["fields"])).trim().split("\n");
  const { file } = ProcessSchema as unknown as DescMessage;
  const ours = new Set([
    ...file.messages.flatMap((message) =>
      message.fields.map((field) => `${message.typeName} ${fieldText(field)}`),
    ),
    ...file.enums.flatMap(({ typeName, values }) =>
      values.map(({ name, number }) => `${typeName} ${name} ${number}`),
    ),
    ...file.services.flatMap(({ typeName, methods }) =>
      methods.map(
        ({ name, input, output, methodKind }) =>
          `${typeName}.${name} ${input.typeName} ${output.typeName} ${methodKind !== "unary"}`,
      ),
    ),
  ]);
  assert.ok(theirs.length > 600);
  // Three that lie within another message there, which is nothing that is on the wire.
  const flat = theirs.map((line) =>
    line.replace(/GetInfoResponse\.(?=Probe|ConfVal|BuildInfo)/, ""),
  );
  assert.deepEqual(
    flat.filter((line) => !ours.has(line)),
    [],
  );
});

function fieldText(field: DescField): string {
  const isMany = field.fieldKind === "list" || field.fieldKind === "map";
  const rest = isMany ? "repeated" : "optional";
  if (field.fieldKind === "map") return `${field.name} ${field.number} message ${rest}`;
  const { message, enum: values, scalar } = field;
  const type = message?.typeName ?? values?.typeName ?? scalarNames[scalar!];
  return `${field.name} ${field.number} ${type} ${rest}`;
}

/** By ScalarType. */
const scalarNames: Readonly<Record<number, string>> = {
  ...{ 3: "int64", 4: "uint64", 5: "int32", 8: "bool", 9: "string", 12: "bytes", 13: "uint32" },
};

const place = { nodeName: "n1", bootToWallNs: (ns: bigint) => ns + 1_700_000_000_000_000_000n };

/** Events of every kind, of texts that nobody would write. */
function corpus(): readonly AgentEvent[] {
  const text = fc.string({ unit: "grapheme-composite", minLength: 1, maxLength: 40 });
  const samples = fc.sample(fc.tuple(text, text, fc.nat(), fc.boolean()), 120);
  const made = samples.flatMap(([name, word, number, inPod]): AgentEvent[] => {
    const tree = new ProcessTree(() => 0);
    const key = { pid: (number % 4_000_000) + 1, ktime: BigInt(number) * 1_000n + 1n };
    const record = execRecord({ process: key, filename: `/${name}`, args: ["x", word] });
    const process = tree.exec(decodeRecord(record, 0) as ExecRecord);
    if (inPod) tree.assign(process, web);
    const args = [
      ...[fdArg(`/${word}`), bufferArg(5_000, word), sizeArg(number), intArg(-number)],
      fileArg(name, 0o104755, 3),
    ];
    const types = ["fd", "char_buf", "size_t", "int", "file"] as const;
    const called = decodeRecord(hookRecord({ process: key, args, action: 3 }), 0) as HookRecord;
    const labelled = types.map((type, index) => ({ index, type, label: word }));
    const hook = { ...hookInfo, args: labelled, message: word, tags: [name] };
    const ended = { ktime: 9n, process: key, tid: key.pid, code: number % 0x10000 };
    return [
      ...[execEvent(process, key.ktime), exitEvent(process, ended)],
      hookEvent(process, called, hook),
    ];
  });
  return [...Object.values(someEvents()), ...made];
}

test("events survive upstream's code: our lines through protobuf and back, and our bytes", async () => {
  const events = corpus();
  assert.ok(events.length > 300);
  const lineOf = createJsonLine(place);
  const wireOf = createEventWire(place);
  const lines = events.map((event) => lineOf(event));
  const bytes = events.map((event) => `${wireOf(event).toString("base64")}\n`);
  const want = lines.map((line) => JSON.parse(line));
  const plain = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  assert.deepEqual(plain(await run(["roundtrip"], lines.join(""))), want);
  assert.deepEqual(plain(await run(["decode"], bytes.join(""))), want);
});

test("upstream's client calls every method, and reads events", async (t) => {
  const { events, path } = await aNode(t);
  const address = `unix://${path}`;
  const call = async (method: string, request: object = {}) => {
    try {
      return JSON.parse(await run(["call", address, method, JSON.stringify(request)]));
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.deepEqual(await call("GetVersion"), { version: "1.2.3" });
  assert.deepEqual(await call("AddTracingPolicy", { yaml: aPolicy("kill") }), {});
  assert.deepEqual(
    await call("ConfigureTracingPolicy", { name: "kill", mode: "TP_MODE_MONITOR" }),
    {},
  );
  const { policies } = await call("ListTracingPolicies");
  assert.deepEqual(
    policies.map(({ name, state, mode }: Record<string, unknown>) => ({ name, state, mode })),
    [{ name: "kill", state: "TP_STATE_ENABLED", mode: "TP_MODE_MONITOR" }],
  );
  assert.deepEqual(await call("DisableTracingPolicy", { name: "kill" }), {});
  assert.deepEqual(await call("EnableTracingPolicy", { name: "kill" }), {});
  assert.deepEqual(await call("DeleteTracingPolicy", { name: "kill" }), {});
  assert.equal(
    await call("DeleteTracingPolicy", { name: "kill" }),
    "rpc error: code = NotFound desc = there is no policy kill in domain grpc",
  );
  const { health_status: health } = await call("GetHealth");
  assert.equal(health[0].details, "running");
  const { probes, conf } = await call("GetInfo");
  assert.deepEqual(probes[0], { Name: "fentry", Enabled: true });
  assert.deepEqual(conf[1].value, {
    ...{ "@type": "type.googleapis.com/google.protobuf.StringValue", value: "n1" },
  });
  assert.deepEqual(await call("GetDebug"), { level: "LOG_LEVEL_INFO" });
  assert.deepEqual(await call("SetDebug", { level: "LOG_LEVEL_DEBUG" }), {
    level: "LOG_LEVEL_DEBUG",
  });
  assert.deepEqual(await call("RuntimeHook", { createContainer: { containerID: "1" } }), {});
  for (const name of FineGuidanceSensors.methods.map((one) => one.name)) {
    if (!/Sensor/.test(name)) continue;
    assert.match(await call(name), /code = Unimplemented desc = .* is deprecated/);
  }

  const request = JSON.stringify({ allow_list: [{ binary_regex: ["cat$"] }] });
  const reading = run(["stream", address, "1", request]);
  await until(() => events.stats().readers === 1);
  const { curl, cat } = someEvents();
  events.write([curl, cat]);
  const [line = ""] = (await reading).split("\n");
  assert.equal(JSON.parse(line).process_exec.process.binary, "/bin/cat");
});
