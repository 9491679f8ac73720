// Runs the tests stage by stage and ends with `N passed, N failed`.
//   node test/run.ts [--all | STAGE...]
import { spawn } from "node:child_process";
import { globSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleApp } from "../build/images/bundle.ts";
import { cacheRoot } from "../build/tools/cache.ts";
import { runNames } from "./e2e/bypass/results.ts";
import { ensureBuilt } from "./e2e/lab/build.ts";
import { argocdItems } from "./install/argocd-controller.ts";
import { runNames as verifierRuns } from "./verifier/results.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

type Count = {
  readonly passed: number;
  readonly failed: number;
  /** What the failed ones said. */
  readonly failures: string;
};
/** Takes a stage's output as it comes. */
type Print = (text: string) => void;
type Stage = { readonly name: string; readonly run: (print: Print) => Promise<Count> };

/**
 * A step's lanes run side by side, the stages of a lane one after the other: an emulated guest keeps
 * one processor busy, and most tests wait.
 */
const steps: readonly (readonly (readonly Stage[])[])[] = [
  [[{ name: "static", run: (print) => commands(staticChecks, print) }]],
  [
    [
      { name: "rego", run: (print) => commands([regoChecks()], print) },
      { name: "unit", run: (print) => nodeTests("**/*.test.ts", print, { without: elsewhere }) },
      {
        name: "guest-full",
        run: (print) => preemptedTests([["debian-6.12", "full"]], 1_000, print),
      },
    ],
    [
      {
        name: "guest-lab",
        run: (print) => guestTests({ kernel: "lab", batches: 2, guests: 2 }, print),
      },
    ],
  ],
  [[{ name: "e2e", run: (print) => clusterTests("test/e2e/cluster", 45, print) }]],
  [
    [
      { name: "long", run: (print) => nodeTests("**/*.long.*test.ts", print) },
      { name: "install", run: installTests },
      { name: "oldest", run: oldestTests },
    ],
    [
      {
        name: "guest-6.12",
        run: (print) => guestTests({ kernel: "debian-6.12", batches: 8 }, print),
      },
      { name: "guest-preempt", run: (print) => preemptedTests(preempted, 5_000, print) },
      { name: "bypasses", run: bypassTests },
      { name: "verifier", run: verifierTests },
      {
        name: "storm",
        run: (print) =>
          guestTests(
            { kernel: "debian-6.12", pattern: stormTests, processes: 100_000, seconds: 10_800 },
            print,
          ),
      },
    ],
  ],
  [[{ name: "as-written", run: (print) => clusterTests("test/e2e/install", 45, print) }]],
  [[{ name: "lifecycle", run: (print) => clusterTests("test/e2e/lifecycle", 90, print) }]],
  [[{ name: "fleet", run: (print) => nodeTests("test/fleet/*.test.ts", print) }]],
];
const stages = steps.flat(2);
/** Long, and of interest to a change of few parts only: they run with --all, or when named. */
const longStages = [
  ...["long", "install", "oldest", "guest-6.12", "guest-preempt", "bypasses"],
  ...["verifier", "storm", "as-written", "lifecycle", "fleet"],
];

/** Kernels, and how they are to preempt tasks: as none of the stages that run every guest's tests. */
const preempted: readonly (readonly [kernel: string, model: string])[] = [
  ["debian-6.12", "full"],
  ["debian-6.12", "none"],
  ["debian-6.1", "full"],
  ["debian-6.1", "voluntary"],
];

/** In the paths of tests that another stage runs. */
const elsewhere = [".long.", ".guest.test.ts", ".e2e.test.ts", "test/install/", "test/fleet/"];

const staticChecks: readonly (readonly string[])[] = [
  ["tsc", "--noEmit"],
  ["biome", "ci", "--error-on-warnings"],
  ["node", "policy/schema/generate.ts", "--check"],
  ["node", "policy/generate-compatibility.ts", "--check"],
  ["node", "policy/generate-policy-fields.ts", "--check"],
  ["node", "agent/layout/generate.ts", "--check"],
  ["node", "agent/wire/generate.ts", "--check"],
  ["node", "operator/metrics/generate.ts", "--check"],
  ["node", "agent/metrics/generate.ts", "--check"],
  ["node", "cli/generate-flags.ts", "--check"],
  ["node", "test/e2e/bypass/generate.ts", "--check"],
  ["node", "test/verifier/generate.ts", "--check"],
];

async function main(args: readonly string[]): Promise<void> {
  const names = stages.map(({ name }) => name);
  const unknown = args.filter((name) => !["--all", ...names].includes(name));
  if (unknown.length > 0) {
    console.error(`no stage ${unknown.join(", ")}; there are ${names.join(", ")}, or --all`);
    process.exit(2);
  }
  const byDefault = names.filter((name) => args.includes("--all") || !longStages.includes(name));
  const named = args.filter((name) => name !== "--all");
  const wanted = named.length > 0 ? named : byDefault;
  // Tests fail for what is not there, instead of being skipped.
  process.env.GUARDBEE_TESTS = "all";
  // What needs no type stripping or parsing again is not stripped or parsed again.
  process.env.NODE_COMPILE_CACHE ??= join(cacheRoot(), "node-compile-cache");
  if (wanted.some((name) => name !== "static")) {
    process.env.OPA ??= await builtOpa();
  }
  const total = { passed: 0, failed: 0, failures: "" };
  for (const step of steps) {
    const lanes = step
      .map((lane) => lane.filter(({ name }) => wanted.includes(name)))
      .filter((lane) => lane.length > 0);
    const runLane = async (lane: readonly Stage[]) => {
      for (const stage of lane) {
        const { passed, failed, failures } = await runStage(stage, lanes.length > 1);
        total.passed += passed;
        total.failed += failed;
        if (failed > 0) total.failures += `== ${stage.name}, what failed:\n${failures.trim()}\n`;
      }
    };
    await Promise.all(lanes.map(runLane));
  }
  process.stdout.write(total.failures); // once more, where whoever reads the end of a log finds it
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

/** Where stages run side by side each prints when it has ended. */
async function runStage({ name, run: runIt }: Stage, atItsEnd: boolean): Promise<Count> {
  const startedAt = performance.now();
  let held = "";
  console.log(`== ${name}`);
  const secondsSo = () => Math.round((performance.now() - startedAt) / 1000);
  const sign = setInterval(() => atItsEnd && console.log(`== ${name}: ${secondsSo()} s`), 60_000);
  const count = await runIt((text) => {
    if (atItsEnd) held += text;
    else process.stdout.write(text);
  });
  clearInterval(sign);
  process.stdout.write(held);
  console.log(`== ${name}: ${count.passed} passed, ${count.failed} failed (${secondsSo()} s)`);
  return count;
}

function regoChecks(): readonly string[] {
  return ["make", "-C", "rego", "check", "test", `OPA=${process.env.OPA}`];
}

/** Each command is one test. */
async function commands(all: readonly (readonly string[])[], print: Print): Promise<Count> {
  const failures: string[] = [];
  for (const command of all) {
    const line = `$ ${command.join(" ")}\n`;
    print(line);
    const { code, output } = await run(command, print);
    if (code !== 0) failures.push(`${line}${output}`);
  }
  const failed = failures.length;
  return { passed: all.length - failed, failed, failures: failures.join("") };
}

async function nodeTests(
  pattern: string,
  print: Print,
  { without = [], ...options }: { readonly without?: readonly string[] } & RunOptions = {},
): Promise<Count> {
  const files = testFiles(pattern).filter((file) => !without.some((part) => file.includes(part)));
  if (files.length === 0) return { passed: 0, failed: 0, failures: "" }; // node would run them all
  return countOf(await run(["node", ...testFlags, ...files], print, options));
}

async function installTests(print: Print): Promise<Count> {
  await ensureBuilt(["helm", "kstatus", ...argocdItems]);
  return nodeTests("test/install/*.test.ts", print);
}

/** Whatever needs an API server, before the oldest that is supported. */
async function oldestTests(print: Print): Promise<Count> {
  const { "oldest-kube-apiserver": apiserver } = await ensureBuilt(["oldest-kubernetes"]);
  const env = { GUARDBEE_TEST_APISERVER: apiserver! };
  return nodeTests("**/*.api.test.ts", print, { without: ["test/fleet/"], env });
}

/**
 * All files share one cluster, so one runs at a time; setup.ts makes the cluster and removes it. A
 * cluster that is broken fails each test after a long wait: after `limitMinutes` all is ended.
 */
async function clusterTests(folder: string, limitMinutes: number, print: Print): Promise<Count> {
  const files = testFiles(`${folder}/*.e2e.test.ts`);
  const shared = ["--test-concurrency=1", `--test-global-setup=${folder}/setup.ts`];
  const limitMs = limitMinutes * 60_000;
  return countOf(await run(["node", ...testFlags, ...shared, ...files], print, { limitMs }));
}

function testFiles(pattern: string): readonly string[] {
  return globSync(pattern, {
    cwd: root,
    exclude: (path) => path.includes("node_modules"),
  }).sort();
}

/**
 * What needs a kernel that admits every program runs in a guest that has one. There each checkout is
 * in one place, and what node compiles is kept, by path: to strip and compile our sources takes an
 * emulated processor longer than the tests do. It is another than the host's, and so is its code.
 * The random policies of oracle.guest.test.ts come in `batches`, each of about 17 s, and are others
 * in each run; its name has the seed.
 */
/** Where the application is for guests, as images have it. Made once. */
const guestApp = "build/app";
let bundled: Promise<unknown> | undefined;

async function guestTests(tests: GuestTests, print: Print): Promise<Count> {
  const { pattern = allGuestTests, guests = 1 } = tests;
  bundled ??= bundleApp(root, join(root, guestApp));
  await bundled;
  const files = testFiles(pattern);
  const counts = Array.from({ length: guests }, async (_, guest) => {
    let held = "";
    const own = files.filter((_file, i) => i % guests === guest);
    const count = await oneGuest(own, tests, guests === 1 ? print : (text) => (held += text));
    print(held);
    return count;
  });
  return sum(await Promise.all(counts));
}

async function oneGuest(
  tests: readonly string[],
  { kernel, batches = 0, calls = 1_000, parameters = "", ...more }: GuestTests,
  print: Print,
): Promise<Count> {
  const kept = join(cacheRoot(), "node-compile-cache-guest");
  mkdirSync(kept, { recursive: true });
  const checkout = "/run/checkout";
  const files = tests.map((file) => join(checkout, file));
  const enter = `mkdir ${checkout} && mount --bind "$0" ${checkout} && cd ${checkout} && exec "$@"`;
  const { processes, seconds = 3600 } = more;
  const machine = ["--kernel", kernel, "--timeout", `${seconds}`, "--out", kept];
  const guest = ["test/e2e/lab/guest.ts", ...machine];
  if (parameters !== "") guest.push("--append", parameters);
  const { GUARDBEE_SEED: seed = "" } = process.env; // of a run that is to be repeated
  const env = [
    ...["env", "NODE_COMPILE_CACHE=/out", `GUARDBEE_APP=${join(checkout, guestApp)}`],
    ...[`GUARDBEE_BATCHES=${batches}`, `GUARDBEE_CALLS=${calls}`, `GUARDBEE_SEED=${seed}`],
    ...(processes === undefined ? [] : [`GUARDBEE_PROCESSES=${processes}`]),
  ];
  const command = ["sh", "-c", enter, root, ...env, "node", ...testFlags, ...files];
  return countOf(await run(["node", ...guest, "--", ...command], print));
}

type GuestTests = {
  readonly kernel: string;
  readonly batches?: number;
  /** That each attack of preempt.guest.test.ts makes. */
  readonly calls?: number;
  /** That storm.guest.test.ts makes. */
  readonly processes?: number;
  /** After which the guest is ended; default an hour. */
  readonly seconds?: number;
  readonly pattern?: string;
  /** How many run side by side, each with its part of the files. */
  readonly guests?: number;
  /** More of the kernel's. */
  readonly parameters?: string;
};
const stormTests = "agent/process/storm.guest.test.ts";
const allGuestTests = "{agent,policy,test}/**/*.guest.test.ts";

/** Every attempt to get around a policy, on each kernel; of each group the other stages make one. */
async function bypassTests(print: Print): Promise<Count> {
  return inTurn(runNames, async (name) => {
    return countOf(await run(["node", "test/e2e/bypass/main.ts", "--check", name], print));
  });
}

/** Every program with all that it may have, on each kernel; the other stages load some. */
async function verifierTests(print: Print): Promise<Count> {
  return inTurn(verifierRuns, async (name) => {
    return countOf(await run(["node", "test/verifier/main.ts", "--check", name], print));
  });
}

/** What depends on how a kernel preempts tasks, on each of `boots`. */
function preemptedTests(
  boots: readonly (readonly [kernel: string, model: string])[],
  calls: number,
  print: Print,
): Promise<Count> {
  const pattern = "test/e2e/bypass/preempt.guest.test.ts";
  return inTurn(boots, ([kernel, model]) => {
    print(`-- ${kernel}, preempt=${model}\n`);
    return guestTests({ kernel, calls, pattern, parameters: `preempt=${model}` }, print);
  });
}

/** The counts of all, one after the other. */
async function inTurn<T>(all: readonly T[], test: (one: T) => Promise<Count>): Promise<Count> {
  const counts: Count[] = [];
  for (const one of all) counts.push(await test(one));
  return sum(counts);
}

function sum(counts: readonly Count[]): Count {
  return {
    passed: counts.reduce((total, { passed }) => total + passed, 0),
    failed: counts.reduce((total, { failed }) => total + failed, 0),
    failures: counts.map(({ failures }) => failures).join(""),
  };
}

const testFlags = ["--test", "--test-reporter=spec", "--test-concurrency=3"];

/** The counts and failures that node's spec reporter ends with; a run that printed none failed. */
function countOf({ code, output }: { code: number; output: string }): Count {
  const count = (word: string) =>
    Number(output.match(new RegExp(`^ℹ ${word} (\\d+)`, "m"))?.[1] ?? 0);
  const [passed, failed] = [count("pass"), count("fail") + count("cancelled")];
  if ((code !== 0 || passed === 0) && failed === 0)
    return { passed, failed: 1, failures: output.slice(-4_000) };
  const told = output.indexOf("✖ failing tests:");
  return { passed, failed, failures: told < 0 ? "" : output.slice(told) };
}

/** The lab's opa, built first if need be. */
async function builtOpa(): Promise<string> {
  const { opa } = await ensureBuilt(["opa"]);
  return opa!;
}

type RunOptions = {
  /** What overruns it is asked to end, so that it cleans up, and has failed. */
  readonly limitMs?: number;
  /** Beside our own. */
  readonly env?: Readonly<Record<string, string>>;
};

function run(
  command: readonly string[],
  print: Print,
  { limitMs, env = {} }: RunOptions = {},
): Promise<{ code: number; output: string }> {
  const [program, ...args] = command;
  const child = spawn(program!, args, {
    ...{ cwd: root, env: { ...process.env, ...env } },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let overran = false;
  const end = () => {
    overran = true;
    print(`${program}: takes longer than ${limitMs! / 60_000} minutes; ending it\n`);
    child.kill("SIGTERM");
  };
  const timer = limitMs === undefined ? undefined : setTimeout(end, limitMs);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    print(text);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code: overran ? 1 : (code ?? 1), output }); // node may end with 0 when it is asked to
    });
  });
}

await main(process.argv.slice(2));
