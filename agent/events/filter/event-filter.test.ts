import assert from "node:assert/strict";
import { test } from "node:test";
import type { AgentEvent } from "../event.ts";
import { droppedEvent } from "../event.ts";
import { someEvents } from "../testing/some-events.ts";
import { compileFilters } from "./event-filter.ts";
import { filterFields } from "./fields.ts";
import { listedObjects, readJsonObjects } from "./json-objects.ts";
import { formatProblems } from "./report.ts";

const events = someEvents();
const nobody = {
  ...{ uid: 0, gid: 0, euid: 0, egid: 0, suid: 0, sgid: 0, fsuid: 0, fsgid: 0, securebits: 0 },
};
const caps = { permitted: 0x200001n, effective: 0x200000n, inheritable: 0n };
const curl = events.curl.process!;
const everything: Readonly<Record<string, AgentEvent>> = {
  ...events,
  curl: {
    ...events.curl,
    process: { ...curl, image: { ...curl.image, credentials: { ...nobody, ...caps } } },
  },
  usdt: {
    ...events.denied,
    hook: {
      ...events.denied.hook,
      event: "process_usdt",
      policy: { kind: "TracingPolicy", name: "u" },
    },
  },
  nobody: { ...events.denied, process: undefined, parent: undefined, key: { pid: 9, ktime: 1n } },
  dropped: droppedEvent(3, 0),
};

function passed(allow: readonly object[], deny: readonly object[] = [], pidSet = true) {
  const lists = {
    allow: listedObjects("allow", allow as []),
    deny: listedObjects("deny", deny as []),
  };
  const compiled = compileFilters(lists, { pidSet, credentials: true });
  assert.ok(compiled.ok, compiled.ok ? "" : formatProblems(compiled.problems));
  const passes = compiled.value ?? (() => true);
  return Object.keys(everything).filter((name) => passes(everything[name]!));
}

const cases: readonly { filter: object; of: keyof typeof filterFields; want: readonly string[] }[] =
  [
    { of: "binary_regex", filter: { binary_regex: ["ba", "^/usr/bin/"] }, want: ["bash", "curl"] },
    { of: "namespace", filter: { namespace: ["shop"] }, want: ["nginx", "cat", "denied", "usdt"] },
    { of: "namespace", filter: { namespace: ["", "x"] }, want: ["systemd", "bash", "curl"] },
    {
      of: "health_check",
      filter: { health_check: true },
      want: ["cat", "denied", "usdt"],
    },
    {
      of: "health_check",
      filter: { health_check: false },
      want: ["systemd", "bash", "curl", "nginx"],
    },
    {
      of: "capabilities",
      filter: { capabilities: { effective: { any: ["CAP_SYS_ADMIN", "DAC_OVERRIDE"] } } },
      want: ["curl"],
    },
    {
      of: "capabilities",
      filter: {
        capabilities: { permitted: { all: ["CAP_CHOWN", "CAP_SYS_ADMIN"] }, effective: {} },
      },
      want: ["curl"],
    },
    {
      of: "capabilities",
      filter: { capabilities: { effective: { exactly: [21] } } },
      want: ["curl"],
    },
    {
      of: "capabilities",
      filter: {
        capabilities: { inheritable: { none: ["CAP_CHOWN"] }, effective: { none: ["CAP_CHOWN"] } },
      },
      want: ["curl"],
    },
    {
      of: "capabilities",
      filter: { capabilities: { effective: { none: ["CAP_SYS_ADMIN"] } } },
      want: [],
    },
    { of: "pid", filter: { pid: [101, "200"] }, want: ["curl", "nginx"] },
    { of: "pid_set", filter: { pid_set: [100] }, want: ["bash", "curl"] },
    {
      of: "event_set",
      filter: { eventSet: ["PROCESS_KPROBE", 29] },
      want: ["denied", "usdt", "nobody"],
    },
    { of: "event_set", filter: { event_set: [40001, 77] }, want: ["dropped"] },
    { of: "pod_regex", filter: { pod_regex: ["^web"] }, want: ["nginx", "cat", "denied", "usdt"] },
    {
      of: "arguments_regex",
      filter: { arguments_regex: ["secret|etc"] },
      want: ["curl", "cat", "denied", "usdt"],
    },
    {
      of: "labels",
      filter: { labels: ["app=web,tier!=db", "x"] },
      want: ["nginx", "cat", "denied", "usdt"],
    },
    { of: "labels", filter: { labels: ["!app"] }, want: [] },
    { of: "policy_names", filter: { policy_names: ["deny"] }, want: ["denied", "nobody"] },
    { of: "policy_names", filter: { policy_names: ["u"] }, want: ["usdt"] },
    {
      of: "parent_binary_regex",
      filter: { parentBinaryRegex: ["nginx$"] },
      want: ["cat", "denied", "usdt"],
    },
    {
      of: "parent_arguments_regex",
      filter: { parent_arguments_regex: ["^$"] },
      want: ["bash", "curl", "nginx", "cat", "denied", "usdt"],
    },
    {
      of: "container_id",
      filter: { container_id: ["^4cb1e9a1ab98044e789c2d426909a6e$"] },
      want: ["nginx", "cat", "denied", "usdt"],
    },
    { of: "in_init_tree", filter: { in_init_tree: true }, want: ["nginx"] },
    {
      of: "in_init_tree",
      filter: { in_init_tree: false },
      want: ["systemd", "bash", "curl", "cat", "denied", "usdt"],
    },
    {
      of: "ancestor_binary_regex",
      filter: { ancestor_binary_regex: ["init"] },
      want: ["bash", "curl", "nginx", "cat", "denied", "usdt"],
    },
    {
      of: "container_name_regex",
      filter: { container_name_regex: ["ngin"] },
      want: ["nginx", "cat", "denied", "usdt"],
    },
    {
      of: "namespace_regex",
      filter: { namespace_regex: [".*"] },
      want: ["nginx", "cat", "denied", "usdt"],
    },
  ];
for (const { of, filter, want } of cases) {
  test(`${of}: ${JSON.stringify(filter)}`, () => assert.deepEqual(passed([filter]), want));
}

test("every field has a case", () => {
  const inCelTest = ["cel_expression"];
  assert.deepEqual(
    [...new Set(cases.map(({ of }) => of)), ...inCelTest].sort(),
    Object.keys(filterFields).sort(),
  );
});

test("fields of an object are ANDed, objects ORed, and the deny list wins", () => {
  assert.deepEqual(passed([{ namespace: ["shop"], binary_regex: ["cat"] }]), [
    "cat",
    "denied",
    "usdt",
  ]);
  assert.deepEqual(passed([{ pid: [100] }, { pid: [101] }]), ["bash", "curl"]);
  assert.deepEqual(passed([{ pid: [100, 101] }], [{ pid: [101] }, { pid: [7] }]), ["bash"]);
  const rest = Object.keys(everything).filter((name) => name !== "bash");
  assert.deepEqual(passed([], [{ pid: [100] }]), rest);
});

test("what asks for nothing lets all through, and the empty object matches all", () => {
  assert.deepEqual(passed([{ namespace: [], pod_regex: null }]), Object.keys(everything));
  assert.deepEqual(passed([], [{}]), []);
});

test("without filters there is nothing to ask of an event", () => {
  const compiled = compileFilters({ allow: [], deny: [] }, { pidSet: false, credentials: false });
  assert.deepEqual(compiled, { ok: true, value: undefined });
});

test("every problem is told with its flag, its line and its field", () => {
  const text = `
{"namespace": "shop", "binary_regexp": ["x"]}
{"binary_regex": ["(", "a"], "binaryRegex": ["b"],
 "pid": [-1], "event_set": ["PROCESS_FORK"], "in_init_tree": "yes", "labels": ["a=b=c"],
 "pid_set": [1], "pod_regex": [7]}`;
  const objects = readJsonObjects("--export-allowlist", text);
  assert.ok(objects.ok);
  const compiled = compileFilters(
    { allow: objects.value, deny: [] },
    { pidSet: false, credentials: false },
  );
  assert.ok(!compiled.ok);
  const types =
    "UNDEF, PROCESS_EXEC, PROCESS_EXIT, PROCESS_KPROBE, PROCESS_TRACEPOINT, PROCESS_LOADER, PROCESS_UPROBE, PROCESS_THROTTLE, PROCESS_LSM, PROCESS_USDT, TEST, RATE_LIMIT_INFO";
  assert.deepEqual(formatProblems(compiled.problems).split("\n"), [
    "--export-allowlist:2: namespace: is no list; write namespace: [...]",
    `--export-allowlist:2: binary_regexp: is no field of a filter; did you mean binary_regex? allowed: ${Object.keys(filterFields).join(", ")}`,
    '--export-allowlist:3: binary_regex[0]: is "(": missing closing ): `(`; write a regular expression of RE2\'s syntax',
    "--export-allowlist:3: binaryRegex: is there twice; give all its values in one list",
    "--export-allowlist:3: pid[0]: is -1; write a whole number from 0 to 4294967295",
    `--export-allowlist:3: event_set[0]: is "PROCESS_FORK"; write one of ${types}`,
    '--export-allowlist:3: in_init_tree: is "yes"; write true or false',
    '--export-allowlist:3: labels[0]: is "a=b=c": it is no label selector; write label selectors as kubectl takes them: app=web,tier!=db',
    "--export-allowlist:3: pid_set: is set, and of a process that ran before the agent did it may miss descendants; set --enable-pid-set-filter to take it as it is",
    "--export-allowlist:3: pod_regex[0]: is 7; write a text",
  ]);
});

const wrongCapabilities: readonly { capabilities: object; want: string }[] = [
  { capabilities: { efective: {} }, want: "capabilities.efective: is no set of capabilities" },
  {
    capabilities: { effective: { any: [1], all: [1] } },
    want: "capabilities.effective: has several ways",
  },
  {
    capabilities: { effective: { some: [1] } },
    want: "capabilities.effective.some: is no way to compare",
  },
  {
    capabilities: { effective: { any: ["CAP_X"] } },
    want: 'capabilities.effective.any[0]: is "CAP_X"',
  },
  {
    capabilities: { effective: { any: ["CAP_CHOWN"] } },
    want: "capabilities: is set, and events do not have credentials",
  },
];
for (const { capabilities, want } of wrongCapabilities) {
  test(`the filter ${JSON.stringify(capabilities)} is refused`, () => {
    const allow = listedObjects("x", [{ capabilities }]);
    const compiled = compileFilters({ allow, deny: [] }, { pidSet: false, credentials: false });
    assert.equal(
      compiled.ok ? "" : formatProblems(compiled.problems).split(";")[0],
      `x[0].${want}`,
    );
  });
}

test("in a request a problem has its index", () => {
  const allow = listedObjects("allow_list", [{}, { pid: ["x"] }]);
  const compiled = compileFilters({ allow, deny: [] }, { pidSet: false, credentials: false });
  const wrong = 'allow_list[1].pid[0]: is "x"; write a whole number from 0 to 4294967295';
  assert.equal(compiled.ok ? "" : formatProblems(compiled.problems), wrong);
});

const texts: readonly { name: string; text: string; want: string }[] = [
  {
    name: "no object",
    text: '{"pid":[1]}\n["pid"]',
    want: '--x:2: filter: has "[" where an object begins; write objects one after another: {"namespace":["default"]} {"pid":[1]}',
  },
  {
    name: "an end that is missing",
    text: '{"pid":[1}',
    want: "--x:1: filter: has an object that does not end; close its braces and quotation marks",
  },
  {
    name: "a key twice",
    text: '{"pid":[1],\n"pid":[2]}',
    want: '--x:2: filter: has "pid" twice; give all its values in one list',
  },
];
for (const { name, text, want } of texts) {
  test(`a text of filters with ${name} is refused`, () => {
    const read = readJsonObjects("--x", text);
    assert.equal(read.ok ? "" : formatProblems(read.problems), want);
  });
}

test("objects follow each other with any white space, with braces in texts", () => {
  const read = readJsonObjects("--x", ' {"a":"}\\"{"}{"b":{"c":1}}\n\n{}\n');
  assert.deepEqual(read.ok && read.value.map(({ value, line }) => [value, line]), [
    [{ a: '}"{' }, 1],
    [{ b: { c: 1 } }, 1],
    [{}, 3],
  ]);
});

test("an expression that hangs other engines does not hang this one", () => {
  const long = { ...events.curl.process!, image: { ...events.curl.process!.image } };
  const filter = listedObjects("x", [{ arguments_regex: ["^(a+)+$", "(.*a){20}b$"] }]);
  const compiled = compileFilters(
    { allow: filter, deny: [] },
    { pidSet: false, credentials: false },
  );
  assert.ok(compiled.ok && compiled.value !== undefined);
  const image = { ...long.image, arguments: `${"a".repeat(20_000)}!` };
  const start = process.hrtime.bigint();
  assert.equal(compiled.value({ ...events.curl, process: { ...long, image } }), false);
  assert.ok(process.hrtime.bigint() - start < 5_000_000_000n);
});
