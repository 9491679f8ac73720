// Tests that want a kernel of their own, in guests.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { bundleApp } from "../build/images/bundle.ts";
import { cacheRoot } from "../build/tools/cache.ts";
import { bundleTests } from "./bundles.ts";
import {
  type Count,
  countOf,
  inTurn,
  type Print,
  root,
  run,
  sum,
  testFiles,
  testFlags,
} from "./runs.ts";

/** Where the application is for guests, as images have it. */
const guestApp = "build/app";
const bundlesFolder = "build/guest-tests";
/** The guests' tests by their sources, each as one file, and the programs that they start. Made once. */
let bundled: Promise<ReadonlyMap<string, string>> | undefined;

async function bundleForGuests(): Promise<ReadonlyMap<string, string>> {
  await bundleApp(root, join(root, guestApp));
  const sources = [...testFiles(allGuestTests), ...testPrograms];
  const bundles = await bundleTests(root, bundlesFolder, sources);
  return new Map(sources.map((source, i) => [source, bundles[i]!]));
}

/**
 * What needs a kernel that admits every program runs in a guest that has one. There each checkout is
 * in one place, and what node compiles is kept, by path. It is another processor than the host's, and
 * so is its code. The random policies of oracle.guest.test.ts come in `batches`, each of about 17 s,
 * and are others in each run; its name has the seed.
 */
export async function guestTests(tests: GuestTests, print: Print): Promise<Count> {
  const { pattern = shortGuestTests, guests = 1 } = tests;
  bundled ??= bundleForGuests();
  const bundles = await bundled;
  const files = testFiles(pattern).map((source) => bundles.get(source)!);
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
    ...["env", "NODE_COMPILE_CACHE=/out", "GUARDBEE_COMPILED=/out/compiled"],
    ...[`GUARDBEE_APP=${join(checkout, guestApp)}`],
    ...[`GUARDBEE_BUNDLES=${join(checkout, bundlesFolder)}`],
    ...[`GUARDBEE_BATCHES=${batches}`, `GUARDBEE_CALLS=${calls}`, `GUARDBEE_SEED=${seed}`],
    ...(processes === undefined ? [] : [`GUARDBEE_PROCESSES=${processes}`]),
  ];
  const command = ["sh", "-c", enter, root, ...env, "node", ...testFlags, ...files];
  return countOf(await run(["node", ...guest, "--", ...command], print));
}

type GuestTests = {
  readonly kernel: string;
  readonly batches?: number;
  /** That each attack of preempt.guest.test.ts makes, and each task of lsm.guest.test.ts. */
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
export const stormTests = "agent/process/storm.guest.test.ts";
export const allGuestTests = "{agent,policy,test}/**/*.guest.test.ts";
const shortGuestTests = "{agent,policy,test}/**/!(*.long).guest.test.ts";
export const longGuestTests = "{agent,policy,test}/**/*.long.guest.test.ts";
const testPrograms = ["agent-that-dies", "ring-counter"].map(
  (name) => `agent/kernel/testing/${name}.ts`,
);

/** What depends on how a kernel preempts tasks, on each of `boots`. */
export function preemptedTests(
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
