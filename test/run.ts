// Runs the tests stage by stage and ends with `N passed, N failed`.
//   node test/run.ts [--all | STAGE...]
import { join } from "node:path";
import { cacheRoot } from "../build/tools/cache.ts";
import { runNames } from "./e2e/bypass/results.ts";
import { ensureBuilt } from "./e2e/lab/build.ts";
import { allGuestTests, guestTests, longGuestTests, preemptedTests, stormTests } from "./guests.ts";
import { argocdItems } from "./install/argocd-controller.ts";
import {
  type Count,
  countOf,
  inTurn,
  nodeTests,
  type Print,
  run,
  testFiles,
  testFlags,
} from "./runs.ts";
import { runNames as verifierRuns } from "./verifier/results.ts";

type Stage = { readonly name: string; readonly run: (print: Print) => Promise<Count> };

/**
 * A step's lanes run side by side, the stages of a lane one after the other. An emulated guest keeps
 * one processor busy: beside other stages its tests would take so long that their time limits end them.
 */
const steps: readonly (readonly (readonly Stage[])[])[] = [
  [[{ name: "static", run: (print) => commands(staticChecks, print) }]],
  [
    [
      { name: "rego", run: (print) => commands([regoChecks()], print) },
      { name: "unit", run: (print) => nodeTests("**/*.test.ts", print, { without: elsewhere }) },
    ],
  ],
  [
    [
      {
        name: "guest-full",
        run: (print) => preemptedTests([["debian-6.12", "full"]], 1_000, print),
      },
    ],
    [
      {
        name: "guest-lab",
        run: (print) =>
          guestTests({ kernel: "lab", batches: 1, calls: 100, processes: 600, guests: 2 }, print),
      },
    ],
  ],
  [[{ name: "e2e", run: (print) => clusterTests("test/e2e/cluster", 45, print) }]],
  [
    [
      {
        name: "long",
        run: (print) => nodeTests("**/*.long.*test.ts", print, { without: [".guest.", ".e2e."] }),
      },
      { name: "install", run: installTests },
      { name: "oldest", run: oldestTests },
    ],
    [
      {
        name: "guest-long",
        run: (print) => guestTests({ kernel: "lab", pattern: longGuestTests }, print),
      },
      {
        name: "guest-6.12",
        run: (print) =>
          guestTests(
            { kernel: "debian-6.12", batches: 8, calls: 4_000, pattern: allGuestTests },
            print,
          ),
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
  [[{ name: "e2e-long", run: (print) => clusterTests("test/e2e/cluster", 45, print, ".long") }]],
  [[{ name: "as-written", run: (print) => clusterTests("test/e2e/install", 45, print) }]],
  [[{ name: "lifecycle", run: (print) => clusterTests("test/e2e/lifecycle", 90, print) }]],
  [[{ name: "fleet", run: (print) => nodeTests("test/fleet/*.test.ts", print) }]],
];
const stages = steps.flat(2);
/** Long, and of interest to a change of few parts only: they run with --all, or when named. */
const longStages = [
  ...["long", "install", "oldest", "guest-long", "guest-6.12", "guest-preempt", "bypasses"],
  ...["verifier", "storm", "e2e-long", "as-written", "lifecycle", "fleet"],
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
async function clusterTests(
  folder: string,
  limitMinutes: number,
  print: Print,
  kind: "" | ".long" = "",
): Promise<Count> {
  const files = testFiles(`${folder}/*${kind}.e2e.test.ts`).filter(
    (file) => kind !== "" || !file.includes(".long."),
  );
  const shared = ["--test-concurrency=1", `--test-global-setup=${folder}/setup.ts`];
  const limitMs = limitMinutes * 60_000;
  return countOf(await run(["node", ...testFlags, ...shared, ...files], print, { limitMs }));
}

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

/** The lab's opa, built first if need be. */
async function builtOpa(): Promise<string> {
  const { opa } = await ensureBuilt(["opa"]);
  return opa!;
}

await main(process.argv.slice(2));
