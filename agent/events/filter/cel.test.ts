import assert from "node:assert/strict";
import { test } from "node:test";
import { type AgentEvent, droppedEvent } from "../event.ts";
import { someEvents } from "../testing/some-events.ts";
import { compileFilters } from "./event-filter.ts";
import { listedObjects } from "./json-objects.ts";
import { loadCel } from "./load-cel.ts";
import { formatProblems } from "./report.ts";

const events: Readonly<Record<string, AgentEvent>> = {
  ...someEvents(),
  dropped: droppedEvent(3, 0),
};

async function compiled(...cel_expression: readonly string[]) {
  const allow = listedObjects("allow_list", [{ cel_expression }]);
  const cel = await loadCel(allow, "n1");
  return compileFilters({ allow, deny: [] }, { pidSet: false, credentials: false, cel });
}

const cases: readonly { text: string; want: readonly string[] }[] = [
  { text: "process_exec.process.pid == 101u", want: ["curl"] },
  { text: "process_exec.process.pid < 200", want: ["systemd", "bash", "curl"] },
  { text: 'process_exec.process.pod.namespace != "shop"', want: ["systemd", "bash", "curl"] },
  { text: "has(process_exec.process.pod)", want: ["nginx", "cat"] },
  { text: 'process_exec.process.pod.pod_labels["app"] == "web"', want: ["nginx", "cat"] },
  { text: 'process_exec.process.arguments.contains("secret")', want: ["curl"] },
  { text: 'process_exec.process.binary.matches("^/usr/s?bin/")', want: ["curl", "nginx"] },
  { text: "process_exec.process.in_init_tree", want: ["nginx"] },
  { text: 'process_kprobe.policy_name == "deny"', want: ["denied"] },
  { text: 'process_kprobe.args[0].string_arg == "x"', want: [] },
  { text: "process_kprobe.args.all(a, a.int_arg == 1)", want: ["denied"] },
  { text: "rate_limit_info.number_of_dropped_process_events == 3u", want: ["dropped"] },
  {
    text: "process_exec.process.pid == 1u || process_kprobe.process.pid == 201u",
    want: ["systemd", "denied"],
  },
  { text: "true", want: [] },
  { text: 'process_exec.parent.binary == ""', want: ["systemd"] },
  {
    text: 'cidr("10.0.0.0/8").containsIP("10.1.2.3") && process_exec.process.pid == 1u',
    want: ["systemd"],
  },
  {
    text: 'cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16") && process_exec.process.pid == 1u',
    want: ["systemd"],
  },
  {
    text: 'cidr("10.0.0.0/8").containsIP("fd00::1") || process_exec.process.pid == 1u',
    want: ["systemd"],
  },
  {
    text: 'isIP("::1") && ip("::1").family() == 6 && process_exec.process.pid == 1u',
    want: ["systemd"],
  },
  {
    text: 'cidr("10.0.0.0/99").containsIP("10.1.2.3") && process_exec.process.pid == 1u',
    want: [],
  },
];
for (const { text, want } of cases) {
  test(text, async () => {
    const filter = await compiled(text);
    assert.ok(filter.ok, filter.ok ? "" : formatProblems(filter.problems));
    assert.deepEqual(
      Object.keys(events).filter((name) => filter.value!(events[name]!)),
      want,
    );
  });
}

const kinds =
  "process_exec, process_exit, process_kprobe, process_tracepoint, process_loader, process_uprobe, process_throttle, process_lsm, process_usdt, test, rate_limit_info";
const wrong: readonly { text: string; why: string }[] = [
  { text: "process_exec.process.binry == 'x'", why: "Process has no field binry" },
  { text: "process_exec.ancestors[0].x == 'x'", why: "Process has no field x" },
  { text: "process_exec.ancestors.exists(a, a.x == 'x')", why: "Process has no field x" },
  { text: "process == 1", why: `process is no event; there are ${kinds}` },
  { text: "process_exec.process.binary", why: "it is no condition, true or false" },
  { text: "nothing(process_exec)", why: "unbound function: nothing" },
  {
    text: "process_exec.process.binary.matches('(')",
    why: "error parsing regexp: missing closing ): `(`",
  },
  { text: "1 +", why: "<input>:1:3: found + but expecting end of input" },
];
for (const { text, why } of wrong) {
  test(`${text} is refused`, async () => {
    const filter = await compiled("true", text);
    const fix = "write a condition over events, such as process_exec.process.pid == 1u";
    const want = `allow_list[0].cel_expression[1]: is ${JSON.stringify(text)}: ${why}; ${fix}`;
    assert.equal(filter.ok ? "" : formatProblems(filter.problems), want);
  });
}

test("an expression that hangs other engines does not hang this one", async () => {
  const filter = await compiled('process_exec.process.arguments.matches("^(a+)+$")');
  assert.ok(filter.ok);
  const { curl } = someEvents();
  const image = { ...curl.process!.image, arguments: `${"a".repeat(20_000)}!` };
  const start = performance.now();
  assert.equal(filter.value!({ ...curl, process: { ...curl.process!, image } }), false);
  assert.ok(performance.now() - start < 5_000);
});

test("where no filter has an expression CEL is not loaded", async () => {
  assert.equal(await loadCel(listedObjects("x", [{ pid: [1] }]), "n"), undefined);
});
