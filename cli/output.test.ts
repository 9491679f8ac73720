import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { reportNodes } from "@guardbee/operator/report";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { formatDiffs } from "./cluster/format-diffs.ts";
import { formatNodeReports } from "./cluster/format-nodes.ts";
import { formatPodReport } from "./cluster/format-pod.ts";
import { formatPolicyList, formatPolicyReport } from "./cluster/format-policies.ts";
import { printReport } from "./cluster/output.ts";
import { eventKinds } from "./event-line.ts";
import { runCli } from "./run-cli.ts";
import { anIo } from "./testing-io.ts";

const root = dirname(import.meta.dirname);
/** Every control that a terminal may act on, among other text. */
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 6 }),
      fc.constantFrom("\u001b[2J", "\u001b]0;x\u0007", "\u009b31m", "\u202e", "\u2028", "\r", "\n"),
      fc.constantFrom("\u001b[31m", "\u001b[0m", "\ud800", "\u007f", "\u0000", "\ufeff"),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.join(""));

function assertPrintable(text: string, of: string): void {
  const found = /[\p{C}\p{Zl}\p{Zp}]/u.exec(text.replaceAll(/[\n\t]/g, ""));
  assert.equal(found, null, `${of}: ${JSON.stringify(text)}`);
}

/** What `print` prints on an Io. */
function printed(print: (io: ReturnType<typeof anIo>["io"]) => void): string {
  const { io, out, err } = anIo();
  print(io);
  return out() + err();
}

/** A report of each kind in which every text is `text`. */
const reports: Readonly<Record<string, (text: string) => (columns?: number) => string>> = {
  status: (text) => (columns) => {
    const condition = { type: text, status: "True", reason: text, message: text } as const;
    const conditions = [
      { ...condition, lastTransitionTime: text },
      { ...condition, type: "Ready" },
    ];
    const group = { state: "failed", count: 2, reason: text, kernel: text, arch: text } as const;
    const report = {
      ...{ kind: text, namespace: text, name: text, generation: 1, nodes: text },
      ...{ mode: {}, conditions, nodesByReason: [{ ...group, nodes: [text], message: text }] },
      selectorSet: { name: text, hash: text },
      rego: { digest: text, revision: text, held: text },
      guardRails: [{ name: text, effect: "warned", message: text }],
    } as never;
    return formatPolicyReport(report, columns) + formatPolicyList([report], columns);
  },
  explain: (text) => (columns) => {
    const policy = { kind: text, namespace: text, name: text, generatedBy: text, message: text };
    const about = { selectorSet: text, mode: "enforce", selector: text, containers: [text] };
    const is = { version: "current", inForce: "yes", state: "failed" };
    const policies = [{ ...policy, ...about, ...is }] as never;
    const head = { namespace: text, name: text, node: text, notes: [text], unknown: false };
    return formatPodReport({ ...head, policies, others: [{ policy: text, why: text }] }, columns);
  },
  nodes: (text) => (columns) => {
    const kernel = { release: text, arch: text, features: [text] };
    const exception = { set: text, hash: text, state: "failed", reason: text, message: text };
    const status = { digest: text, exceptions: [exception], kernel, agentVersion: text };
    const [nodes, sets] = [[{ metadata: { name: text } }], [{ metadata: { name: text }, status }]];
    const details = { nowMs: 0, details: true };
    return formatNodeReports(reportNodes(nodes, sets, []), details, columns);
  },
  diff: (text) => (columns) => {
    const about = { policy: text, file: text, line: 1 };
    const problem = { field: text, what: text, fix: text, kind: "invalid", file: text } as const;
    const change = { before: text, after: text };
    const selectors = [{ change: "changed", hook: text, ...change }] as const;
    const at = { namespace: text, pod: text, node: text, containers: [text] };
    const changed = {
      ...{ ...about, verdict: "changed", notes: [text], mode: change, scope: change },
      ...{ selectors, unchanged: 0, reordered: false, pods: [{ effect: "gains", ...at }] },
      hosts: { gains: [], loses: [], changes: [] },
    } as never;
    return formatDiffs([{ ...about, verdict: "refused", problems: [problem] }, changed], columns);
  },
};
for (const [name, reportOf] of Object.entries(reports)) {
  test(`${name} prints nothing as an escape, and no line of others as one of ours`, () => {
    fc.assert(
      fc.property(hostile, fc.constantFrom(undefined, 80), (text, stdoutColumns) => {
        const format = reportOf(`x${text}\nReady: True`);
        const { io, out } = anIo({ stdoutColumns });
        printReport({}, undefined, io, format);
        assertPrintable(out(), name);
        // A narrow terminal wraps the first column, too.
        const forged = stdoutColumns === undefined && /^Ready: True/m.test(out());
        assert.equal(forged, false, out());
      }),
      { numRuns: 200 },
    );
  });
}

test("JSON and YAML are printable, and say what they said", () => {
  const value = fc.record({
    message: hostile,
    list: fc.array(hostile),
    map: fc.dictionary(hostile, hostile),
  });
  fc.assert(
    fc.property(value, (one) => {
      const plain = JSON.parse(JSON.stringify(one).toWellFormed());
      const json = printed((io) => printReport(plain, "json", io, String));
      assertPrintable(json, "json");
      assert.deepEqual(JSON.parse(json), plain);
      const yaml = printed((io) => printReport(plain, "yaml", io, String));
      assertPrintable(yaml, "yaml");
      assert.deepEqual(parse(yaml, { prettyErrors: false }), plain);
    }),
  );
});

/** An event with `text` wherever a reader takes a text. */
function eventOf(kind: string, text: string): string {
  const process = { binary: text, arguments: text, pod: { namespace: text, name: text } };
  const args = [0, 1, 2].map(() => ({
    ...{ file_arg: { path: text }, path_arg: { path: text }, string_arg: text, size_arg: text },
    ...{ int_arg: text, sock_arg: { saddr: text, sport: text, daddr: text, dport: text } },
    bpf_map_arg: { MapName: text, MapType: text },
  }));
  const frame = { address: text, offset: text, symbol: text, module: text };
  const event = {
    ...{ process, args, function_name: text, subsys: text, event: text, path: text, symbol: text },
    ...{ provider: text, name: text, buildid: text, cgroup: text, type: text, signal: text },
    ...{ policy_name: text, kernel_stack_trace: [frame], user_stack_trace: [frame] },
    number_of_dropped_process_events: text,
  };
  return JSON.stringify({ [kind]: event, node_name: text, time: text });
}

test("getevents prints nothing of an event as an escape, but its own colours", async () => {
  const names = fc.constantFrom("sys_write", "tcp_connect", "security_bpf_map_alloc", "fd_install");
  const arbitrary = fc.record({ text: hostile, kind: fc.constantFrom(...eventKinds), call: names });
  const run = async (line: string, ...args: readonly string[]) => {
    const { io, out, err } = anIo({ stdin: `${line}\n` });
    assert.equal(await runCli(["getevents", ...args], io), 0);
    assertPrintable(err(), "standard error");
    return out();
  };
  await fc.assert(
    fc.asyncProperty(arbitrary, async ({ text, kind, call }) => {
      const raw = eventOf(kind, text).toWellFormed();
      const line = fc.sample(fc.boolean(), 1)[0]
        ? raw.replace(/"function_name":"(?:[^"\\]|\\.)*"/, `"function_name":"${call}"`)
        : raw;
      const json = await run(line, "-o", "json");
      assertPrintable(json, "json");
      assert.deepEqual(JSON.parse(json), JSON.parse(line));
      const plain = await run(line, "-o", "compact", "--timestamps", "--color", "never");
      assertPrintable(plain, "compact");
      const colored = await run(line, "-o", "compact", "--timestamps", "--color", "always");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of paint.ts
      const stripped = colored.replaceAll(/\u001b\[(?:3[1-6]|0)m/g, "");
      assert.equal(stripped, plain);
    }),
    { numRuns: 150 },
  );
});

test("what a command line, a file's name and a file's content say is quoted without escapes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "output-"));
  try {
    const nasty = fc.sample(hostile, { numRuns: 40, seed: 7 });
    for (const text of nasty) {
      const name = text.replaceAll(/[/\0]/g, "").toWellFormed().slice(0, 40);
      const file = join(folder, `${name}.yaml`);
      const policy = {
        ...{ apiVersion: "cilium.io/v1alpha1", kind: "TracingPolicy", metadata: { name: text } },
        spec: { kprobes: [{ call: text, args: [{ index: 0, type: text }] }], [text]: text },
      };
      await writeFile(file, stringify(policy).toWellFormed());
      const lines = [
        ["policy", "check", file],
        ["policy", "check", `${file}.none`],
        ["getevents", `--${text}`],
        ["getevents", "--pod", `(${text}`],
        ["getevents", "--server-address", `/${text}`],
        ["status", text, "--kubeconfig", `${file}.none`],
        ["rego", "eval", file, "--inventory", file],
        [text],
      ];
      for (const argv of lines) {
        const { io, out, err } = anIo();
        await runCli(argv, io);
        assertPrintable(out() + err(), argv.join(" "));
      }
      await rm(file);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("an API server's message is one line without escapes", async () => {
  const message = "\u001b]0;owned\u0007\u009b31m\nguardbee: all is well\u202e";
  const server = createServer((_request, response) => {
    response.writeHead(403, { "content-type": "application/json" });
    response.end(JSON.stringify({ kind: "Status", code: 403, reason: "Forbidden", message }));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const folder = await mkdtemp(join(tmpdir(), "output-"));
  try {
    const { port } = server.address() as AddressInfo;
    const kubeconfig = join(folder, "kubeconfig");
    const clusters = [{ name: "c", cluster: { server: `http://127.0.0.1:${port}` } }];
    const contexts = [{ name: "c", context: { cluster: "c", user: "u" } }];
    const users = [{ name: "u", user: { token: "t" } }];
    const config = { clusters, contexts, users, "current-context": "c" };
    await writeFile(kubeconfig, stringify({ apiVersion: "v1", kind: "Config", ...config }));
    const { io, err } = anIo();
    await runCli(["nodes", "--kubeconfig", kubeconfig], io);
    assertPrintable(err(), "standard error");
    assert.match(err(), /owned\\u0007\\u009b31m\\nguardbee: all is well/);
    assert.equal(err().trimEnd().split("\n").length, 1);
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
});

test("nothing prints but through Output, logs other than printable text, or frames lines by readline", () => {
  const streams = ["cli/start.ts", "test/e2e/demo.ts"];
  const tools = /(^|\/)(testing|generate[^/]*)(\/|\.ts$)|\.test\.ts$|generate-|\/test-node/;
  const files = [
    ...globSync("{agent,cli,kube,operator,policy}/**/*.ts", { cwd: root }),
    "test/e2e/demo.ts",
  ].filter((file) => !file.includes("node_modules") && !tools.test(file));
  assert.ok(files.length > 200, `${files.length} files`);
  const wrong = files.flatMap((file) => {
    const text = readFileSync(join(root, file), "utf8");
    const prints = /\bconsole\.|process\.(stdout|stderr)\b|writeSync\([12],|node:readline/.exec(
      text,
    );
    const logs = /\bpino\((?![^)]*(?:io\.std|streamWrite))/.exec(text);
    return [
      ...(prints !== null && !streams.includes(file) ? [`${file}: ${prints[0]}`] : []),
      ...(logs !== null ? [`${file}: ${logs[0]}`] : []),
    ];
  });
  assert.deepEqual(wrong, []);
});
