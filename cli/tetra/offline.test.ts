import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { systemClock } from "@guardbee/kube";
import { parsePolicies } from "@guardbee/policy";
import { pino } from "pino";
import {
  ContainerStatusRequestSchema,
  ContainerStatusResponseSchema,
  VersionResponseSchema,
} from "../../agent/gen/wire.ts";
import { GrpcServer } from "../../agent/grpc/server.ts";
import { GrpcError } from "../../agent/grpc/status.ts";
import { aFolder, aNode, aPolicy } from "../../agent/grpc/testing/a-node.ts";
import {
  type AskedKernel,
  shownConfig,
  upstreamProbes,
} from "../../agent/kernel/upstream-probes.ts";
import { tetra as program, runCli } from "../run-cli.ts";
import { anIo } from "../testing-io.ts";

async function tetra(words: string, cwd = process.cwd()) {
  const { io, out, err } = anIo({ cwd });
  const code = await runCli(words.split(" "), io, program);
  return { code, out: out(), err: err() };
}

test("explain says what a field is, and which fields it has", async () => {
  const { code, out } = await tetra("explain tgtp[spec].kprobes[0].args");
  assert.equal(code, 0);
  assert.match(
    out,
    /^KIND: {5}TracingPolicy\nVERSION: {2}v1alpha1\n\nFIELD: {4}args <\[\]object>\n\nDESCRIPTION:\n {5}\S.*\n\nFIELDS:\n {3}btfType\t<string>\n {5}\S.*\n\n/,
  );
  assert.match(out, / {3}index\t<integer> -required-\n {5}\S.*\n\n/);
  const all = await tetra("explain tgtp.spec.kprobes -R");
  assert.match(all.out, / {3}args\t<\[\]object>\n {5}.*\n {5}btfType\t<string>\n {7}\S/);
});

test("explain lists the kinds, and prints a schema as it is", async () => {
  const { out } = await tetra("explain --list");
  assert.match(out, /^NAME +SHORTNAMES\nTracingPolicy +tgtp\nTracingPolicyNamespaced +tgtpn\n/);
  const json = JSON.parse((await tetra("explain tgtp.spec.kprobes.call -o json")).out);
  assert.equal(json.type, "string");
  const yaml = await tetra("explain tgtp.spec.kprobes.call -o yaml");
  assert.match(yaml.out, /^type: string$/m);
});

const wrong: readonly { words: string; want: RegExp }[] = [
  { words: "explain", want: /^Error: accepts 1 arg\(s\), received 0\n$/ },
  { words: "explain pods", want: /^Error: unsupported resource: pods \(supported resources: Exec/ },
  {
    words: "explain tgtp.spec.kprobes.caII",
    want: /^Error: field "caII" not found in "tracingpolicy.spec.kprobes.caII" \(available fields: args, call, /,
  },
  { words: "explain .spec", want: /^Error: invalid path: cannot start or end with '.'\n$/ },
  { words: "explain tgtp --api-version v2", want: /^Error: version v2 not found\n$/ },
  {
    words: "explain tgtp.spec.kprobes.call.x",
    want: /^Error: field "TracingPolicy.spec.kprobes.call.x" does not have properties\n$/,
  },
  { words: "tp generate usdts", want: /^Error: usdts are of a program; name it with --binary\n$/ },
  {
    words: "tp generate uprobes -b package.json",
    want: /^Error: \/.*\/package.json: is no program: /,
  },
  { words: "debug map -o json -n 5", want: /^Error: debug maps is not there: use bpftool / },
  {
    words: "debug dump execve --map-fname x",
    want: /^Error: dump execve is not there: .*tetra dump/,
  },
  { words: "pt run --all-tests", want: /^Error: policytest run is not there: / },
  { words: "cgtracker add a b", want: /^Error: cgtracker add is not there: / },
  { words: "cri version -r no:where:1", want: /^Error: --runtime-endpoint: no:where:1 is none; / },
  { words: "policyfilter cgroupid /", want: /^Error: ENOENT: .*\/cgroup.procs/ },
];
for (const { words, want } of wrong) {
  test(`what cannot be done is said: ${words}`, async () => {
    const { code, out, err } = await tetra(words);
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, want);
  });
}

test("a policy that was generated is one", async (t) => {
  const folder = aFolder(t);
  const source = "int one(void) { return 1; } int main(void) { return one(); }";
  writeFileSync(join(folder, "x.c"), source);
  execFileSync("cc", ["-o", join(folder, "x"), join(folder, "x.c")]);
  const generated = async (kind: string) => {
    const { code, out, err } = await tetra(`tp generate ${kind} -m /bin/x`, folder);
    assert.deepEqual([code, err], [0, ""], kind);
    assert.deepEqual(parsePolicies(out, "generated").problems, [], kind);
    return out;
  };
  assert.equal(
    await generated("empty"),
    "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  creationTimestamp: null\n  name: empty\nspec: {}\n",
  );
  const each = await generated("all-syscalls");
  assert.ok(each.includes("\n    - sys_read\n"));
  await generated("all-syscalls-list");
  await generated("ftrace-list -r ^vfs_");
  const uprobes = await generated("uprobes -b x");
  assert.ok(uprobes.includes(`  - path: ${folder}/x\n    symbols:\n`), uprobes);
  assert.match(uprobes, /^ {4}- one$/m);
});

/** A container runtime that knows one container. */
async function aRuntime(t: TestContext, specification: object): Promise<string> {
  const info = { info: JSON.stringify({ runtimeSpec: specification }) };
  const version = create(VersionResponseSchema, {
    ...{ version: "0.1.0", runtimeName: "containerd", runtimeVersion: "v2.4.2" },
    runtimeApiVersion: "v1",
  });
  const server = new GrpcServer({
    loadMethods: async () =>
      new Map([
        [
          "/runtime.v1.RuntimeService/Version",
          { kind: "unary", answer: async () => toBinary(VersionResponseSchema, version) },
        ],
        [
          "/runtime.v1.RuntimeService/ContainerStatus",
          {
            kind: "unary",
            answer: async (bytes: Uint8Array) => {
              const request = fromBinary(ContainerStatusRequestSchema, bytes);
              if (request.containerId !== "c1" || !request.verbose) {
                throw new GrpcError(5, `no container ${request.containerId}`);
              }
              const answer = create(ContainerStatusResponseSchema, { info });
              return toBinary(ContainerStatusResponseSchema, answer);
            },
          },
        ],
      ]),
    ...{ clock: systemClock, log: pino({ level: "silent" }) },
  });
  const path = join(aFolder(t), "cri.sock");
  await server.listen({ kind: "unix", path });
  t.after(() => server.close());
  return `unix://${path}`;
}

test("cri asks the container runtime", async (t) => {
  const cgroupsPath = "kubepods-burstable-pod1.slice:cri-containerd:c1";
  const at = await aRuntime(t, { linux: { cgroupsPath } });
  assert.deepEqual(await tetra(`cri version -r ${at}`), {
    ...{ code: 0, err: "" },
    out: 'version:"0.1.0" runtime_name:"containerd" runtime_version:"v2.4.2" runtime_api_version:"v1"\n',
  });
  assert.equal(
    (await tetra(`cri version -o json -r ${at}`)).out,
    '{"version":"0.1.0","runtime_name":"containerd","runtime_version":"v2.4.2","runtime_api_version":"v1"}\n',
  );
  assert.equal(
    (await tetra(`cri cgroup_path c1 -r ${at}`)).out,
    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-c1.scope\n",
  );
  assert.equal(
    (await tetra(`cri cgroup_path c2 -r ${at}`)).err,
    "Error: rpc error: code = NotFound desc = no container c2\n",
  );
  const plain = await aRuntime(t, { linux: { cgroupsPath: "/kubepods/pod1/c1" } });
  assert.equal((await tetra(`cri cgroup_path c1 -r ${plain}`)).out, "/kubepods/pod1/c1\n");
  const none = await aRuntime(t, {});
  assert.equal(
    (await tetra(`cri cgroup_path c1 -r ${none}`)).err,
    "Error: the container runtime does not say runtimeSpec.linux.cgroupsPath\n",
  );
});

test("bugtool gathers what the agent says, and says what it could not have", async (t) => {
  const { folder, path } = await aNode(t);
  writeFileSync(join(folder, "p.yaml"), aPolicy("kill"));
  const address = `--server-address unix://${path}`;
  await tetra(`tp add p.yaml ${address}`, folder);
  const { code, out, err } = await tetra(`bugtool -o b.tar.gz ${address}`, folder);
  assert.deepEqual([code, out], [0, ""]);
  assert.match(err, /^level=warning msg="memory: the agent does not say its pid"$/m);
  execFileSync("tar", ["xzf", "b.tar.gz", "--strip-components=1"], { cwd: folder });
  const { policies } = JSON.parse(readFileSync(join(folder, "tracing-policies.json"), "utf8"));
  assert.equal(policies[0].name, "kill");
  const log = readFileSync(join(folder, "tetragon-bugtool.log"), "utf8");
  assert.match(log, / level=info msg="processcache.json: done"$/m);
});

test("probe tells by what a kernel has", () => {
  const ask = (has: {
    symbols?: string[];
    members?: string[];
    files?: string[];
    loads?: boolean;
  }) => {
    const refusal = () => (has.loads === true ? null : "EINVAL");
    const kernel: AskedKernel = {
      arch: "x64",
      native: {
        ...{ kprobeRefusal: refusal, trampolineRefusal: refusal },
        ...{ uprobeOverrideRefusal: refusal, takesManyUprobes: () => has.loads === true },
      },
      symbols: new Set(has.symbols),
      hasFile: (path) => has.files?.includes(path) === true,
      hasMember: (struct, path) => has.members?.includes(`${struct}.${path}`) === true,
    };
    const { lsm: _, ...others } = upstreamProbes; // this machine's own
    return Object.entries(others).flatMap(([name, asks]) => (asks(kernel) ? [name] : []));
  };
  assert.deepEqual(ask({}), []);
  assert.deepEqual(ask({ loads: true }), [
    ...["uprobe_multi", "fmodret", "fmodret_syscall", "uprobe_regs_change", "fentry"],
  ]);
  assert.deepEqual(ask({ loads: true, symbols: ["bpf_override_return"] })[0], "override_return");
  assert.deepEqual(ask({ symbols: ["bpf_override_return"] }), []);
  assert.deepEqual(ask({ members: ["bpf_link_info.perf_event.kprobe.missed"] }), [
    "missed_stats_kprobe",
  ]);
});

test("probe config shows what a kernel was built with, in order of name", () => {
  const shown = shownConfig("# CONFIG_BPF is not set\nCONFIG_AUDIT=y\nCONFIG_SECURITY=m\nX=1\n");
  assert.equal(shown.length, 15);
  assert.deepEqual(shown, shown.toSorted());
  assert.deepEqual(
    shown.filter(([, value]) => value !== "n"),
    [
      ["CONFIG_AUDIT", "y"],
      ["CONFIG_SECURITY", "m"],
    ],
  );
});

test("completion and help are tetra's", async () => {
  assert.match((await tetra("completion bash")).out, /^_tetra_complete\(\) \{\n/);
  const { out } = await tetra("--get-yargs-completions tetra cri ");
  assert.equal(out, "version\ncgroup_path\n");
  const help = await tetra("help tp list");
  assert.match(help.out, /^tetra tracingpolicy list\n/);
  const all = (await tetra("help")).out;
  assert.ok(!/is not there|cgtracker|policytest/i.test(all), all);
});
