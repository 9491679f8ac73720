import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { basename } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { HookPoint } from "@guardbee/policy";
import type { Measured, Results } from "../../test/verifier/results.ts";
import { loadNative, type Native } from "./native.ts";
import { compileC } from "./testing/compile.ts";
import { chosenCrowds, everyCrowd } from "./testing/crowds.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { buildBinaries, ownFunction } from "./testing/oracle-processes.ts";

/** Where all that was seen is written, of every crowd; without it some are made that say most. */
const { GUARDBEE_VERIFIED_RESULTS: resultsFile } = process.env;
const folder = "/tmp/verified";
const marked = `${folder}/marked`;

/** Of what a kernel takes, a fifth is kept for hooks that ask for more than those here. */
const mostOfLimit = 0.8;
/** The engine says so of what it has no room for, and of what this kernel cannot do. */
const refusals = ["NoRoom", "KernelLacks", "HookNotFound", "LimitExceeded"];

const programs: Record<string, Measured> = {};
let crowd = "the engine alone";
let limit = 0;

/** Notes of each program that is loaded what the verifier went through. */
function measuring(native: Native): Native {
  return {
    ...native,
    openObject(path) {
      const object = native.openObject(path);
      const load = () => {
        for (const [name, stats] of Object.entries(object.loadWithStats())) {
          note(`${basename(path, ".bpf.o")}/${name}`, stats);
        }
      };
      Object.defineProperty(object, "load", { value: load }); // the addon's own cannot be assigned
      return object;
    },
  };
}

let inCrowd: Record<string, number> = {};

function note(program: string, stats: string): void {
  const [, insns, most, states] =
    /processed (\d+) insns \(limit (\d+)\).* total_states (\d+)/.exec(stats) ?? [];
  assert.ok(states !== undefined, `${program}: ${stats}`);
  const instructions = Number(insns);
  limit = Number(most);
  inCrowd[program] = Math.max(inCrowd[program] ?? 0, instructions);
  if ((programs[program]?.instructions ?? 0) >= instructions) return;
  programs[program] = { instructions, states: Number(states), crowd };
}

const kernel = await openGuestKernel({ native: measuring(loadNative()) });
after(() => kernel.close());

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
buildBinaries();
const source = fileURLToPath(new URL("../elf/testing-probes.c", import.meta.url));
compileC(marked, [source], ["-O1", "-no-pie"]);

/** Where this guest has what random hooks are on. */
function placed(on: HookPoint): HookPoint {
  if (on.kind === "uprobe") return ownFunction;
  return on.kind === "usdt" ? { ...on, path: marked, provider: "app", name: "begin" } : on;
}

const crowds = [...chosenCrowds, ...(resultsFile === undefined ? [] : everyCrowd(placed))];
for (const { name, sets } of crowds) {
  test(`of ${name} each program is within four fifths of what the verifier takes`, async (t) => {
    [crowd, inCrowd] = [name, {}];
    const states = await kernel.program(sets, { host: [] });
    const refused = states.flatMap((one) => (one.state === "failed" ? [one] : []));
    assert.deepEqual(
      refused.filter(({ reason }) => !refusals.includes(reason)),
      [],
    );
    const most = mostOfLimit * limit;
    const said = Object.entries(inCrowd).map(([program, count]) => `${program} ${count}`);
    t.diagnostic(`${said.join(", ")}; ${refused.length} of ${sets.length} sets refused`);
    assert.ok(
      Object.values(inCrowd).every((count) => count <= most),
      said.join(", "),
    );
  });
}

test("each program that was loaded was measured", () => {
  for (const name of ["process/process_exec", "fentry/hook"]) assert.ok(programs[name], name);
});

after(() => {
  if (resultsFile === undefined) return;
  writeFileSync(
    resultsFile,
    JSON.stringify({ release: release(), limit, programs } satisfies Results),
  );
});
