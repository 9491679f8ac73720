import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { type Preemption, preemptsKernel, readPreemption } from "./preemption.ts";

const release = "6.12.1";
const dynamic = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.1-1 (2026-11-16)";
const debian = [
  "# CONFIG_PREEMPT_NONE is not set",
  "CONFIG_PREEMPT_VOLUNTARY=y",
  "# CONFIG_PREEMPT is not set",
  "CONFIG_PREEMPT_DYNAMIC=y",
].join("\n");
/** Of a kernel that has lazy and full only. */
const newest = ["# CONFIG_PREEMPT is not set", "CONFIG_PREEMPT_LAZY=y"].join("\n");
const debugfs = "/sys/kernel/debug/sched/preempt";

const kernels: readonly {
  name: string;
  version?: string;
  files?: Readonly<Record<string, string>>;
  cmdline?: string;
  want: Preemption;
}[] = [
  { name: "without preemption", version: "#1 SMP Thu Jan 1 00:00:00 UTC 1970", want: "none" },
  { name: "that preempts always", version: "#1 SMP PREEMPT Debian", want: "full" },
  {
    name: "that preempts always, lazily",
    version: "#1 SMP PREEMPT Debian",
    files: { [`/boot/config-${release}`]: newest },
    want: "lazy",
  },
  { name: "for real time", version: "#1 SMP PREEMPT_RT Debian", want: "rt" },
  {
    name: "that says what it was booted with",
    ...{ files: { [debugfs]: "none voluntary (full) \n" }, want: "full" },
  },
  {
    name: "that says so to the host, whatever it was asked for",
    files: { [`/proc/1/root${debugfs}`]: "(full) lazy " },
    ...{ cmdline: "quiet preempt=voluntary", want: "full" },
  },
  { name: "booted with preempt=full", cmdline: "preempt=full quiet", want: "full" },
  { name: "booted with preempt=lazy", cmdline: "quiet preempt=lazy", want: "lazy" },
  {
    name: "booted with two models, of which the last counts",
    cmdline: "preempt=full preempt=none",
    files: { [`/boot/config-${release}`]: debian },
    want: "none",
  },
  {
    name: "booted with a model that may not be there",
    ...{ cmdline: "preempt=voluntary", want: "unknown" },
  },
  {
    name: "booted with a model that is not there",
    cmdline: "preempt=voluntary",
    files: { [`/boot/config-${release}`]: newest },
    want: "unknown",
  },
  {
    name: "booted with another parameter of that end",
    cmdline: "nopreempt=full",
    files: { [`/boot/config-${release}`]: debian },
    want: "voluntary",
  },
  {
    name: "as its distribution built it",
    files: { [`/proc/1/root/boot/config-${release}`]: debian },
    want: "voluntary",
  },
  {
    name: "whose configuration lies with its modules",
    files: { [`/lib/modules/${release}/config`]: newest },
    want: "lazy",
  },
  { name: "that says nothing", want: "unknown" },
  { name: "that says something new", files: { [debugfs]: "(sometimes)" }, want: "unknown" },
];
for (const { name, version = dynamic, files = {}, cmdline = "quiet", want } of kernels) {
  test(`a kernel ${name} is found to be ${want}`, () => {
    const all: Readonly<Record<string, string>> = {
      ...{ "/proc/sys/kernel/version": version, "/proc/cmdline": cmdline },
      ...files,
    };
    const read = (path: string) => (path in all ? Buffer.from(all[path]!) : undefined);
    assert.equal(readPreemption(release, read), want);
  });
}

test("a kernel that has its own configuration is believed", () => {
  const files: Readonly<Record<string, Buffer>> = {
    "/proc/sys/kernel/version": Buffer.from(dynamic),
    "/proc/config.gz": gzipSync(debian),
  };
  assert.equal(
    readPreemption(release, (path) => files[path]),
    "voluntary",
  );
});

test("where nobody can tell, a kernel counts as one that preempts", () => {
  const models: readonly Preemption[] = ["none", "voluntary", "lazy", "full", "rt", "unknown"];
  assert.deepEqual(models.filter(preemptsKernel), ["lazy", "full", "rt", "unknown"]);
});
