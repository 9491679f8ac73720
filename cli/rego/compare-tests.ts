import type { OpaTest } from "@guardbee/operator/offline";
import { pino } from "pino";
import { type ExitCode, exit, type Io } from "../command.ts";
import { bundleOf } from "./bundle.ts";
import { differences, progress } from "./compare-output.ts";
import { opaOf, runOpa } from "./opa.ts";
import type { Stage } from "./stage.ts";

/**
 * Runs the tests of a stage in a module as the operator has it too, and writes which have another
 * verdict there. `flags` are those of `opa test` that choose tests.
 */
export async function tellTests(
  stage: Stage,
  {
    called,
    flags,
    to,
  }: {
    readonly called: string;
    readonly flags: readonly string[];
    /** Where the summary goes. */
    readonly to: Io["stdout"];
  },
  io: Io,
): Promise<ExitCode> {
  const { compareTests } = await import("@guardbee/operator/offline");
  const opa = await opaOf(io);
  const { stdout, stderr } = await runOpa(["test", "--format", "json", ...flags], stage.folder, io);
  if (!stdout.startsWith("[")) {
    io.stderr.write(stderr);
    return exit.rejected;
  }
  const results = JSON.parse(stdout) as readonly OpaTest[];
  const { modules, data } = await bundleOf(stage, called);
  const options = {
    ...{ opa, data, log: pino({ level: "warn" }, io.stderr) },
    onProgress: progress("tests", io),
  };
  const compared = await compareTests(modules, results, options, io.signal);
  if (!compared.ok) {
    for (const { file, row, column, code, message } of compared.problems) {
      io.stderr.write(`${file}:${row}:${column}: ${code}: ${message}\n`);
    }
    io.stderr.write("the operator would not accept this Rego\n");
    return exit.rejected;
  }
  for (const { place, test, opaPasses, because } of compared.partings) {
    const [there, here] = opaPasses ? ["passes", "fails"] : ["fails", "passes"];
    to.write(`${place}: ${test}: ${there} under opa, ${here} in Guardbee: ${because}\n`);
  }
  const parted = new Set(compared.partings.map(({ place, test }) => `${place} ${test}`)).size;
  const rest = parted === 0 ? "" : `, ${parted} another; see ${differences}`;
  to.write(
    `GUARDBEE: ${compared.compared - Math.min(parted, compared.compared)}/${compared.compared} as under opa${rest}\n`,
  );
  return parted === 0 ? exit.ok : someFail;
}

/** opa's exit code for tests that fail. */
const someFail = 2;
