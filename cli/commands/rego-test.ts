import { readFile, rm, writeFile } from "node:fs/promises";
import { aNumber, type Command, type ExitCode, exit, type Io } from "../command.ts";
import { tellTests } from "../rego/compare-tests.ts";
import { opaOf, runOpa, withReasons } from "../rego/opa.ts";
import { stageRego } from "../rego/stage.ts";

export type RegoTestArgs = {
  readonly paths: readonly string[];
  readonly coverage: boolean;
  readonly threshold: number | undefined;
  readonly run: string | undefined;
  readonly verbose: boolean;
  readonly compare: boolean;
};

export const regoTest: Command<RegoTestArgs> = {
  name: "rego test",
  positionals: "<paths..>",
  summary:
    "Run Rego's tests under opa test and as the operator evaluates Rego, and compare the two",
  examples: [
    "rego test edge-paths.yaml edge-paths_test.rego",
    "rego test --coverage config/examples/rego/protected-paths",
  ],
  options: (yargs) =>
    yargs
      .positional("paths", {
        type: "string",
        array: true,
        demandOption: true,
        describe: "Folders, Rego, data.json, or a RegoPolicy, whose modules and data are taken",
      })
      .option("coverage", {
        type: "boolean",
        default: false,
        describe: "Print as JSON which lines the tests reach",
      })
      .option("threshold", {
        ...aNumber("threshold", 0, 100),
        describe: "Fail when the tests reach a smaller share of the lines, in percent",
      })
      .option("run", { type: "string", describe: "Only tests whose name matches this expression" })
      .option("verbose", { type: "boolean", default: false, describe: "Name each test" })
      .option("compare", {
        type: "boolean",
        default: true,
        describe:
          "Run each test in a module as the operator has it, too; --no-compare: opa test alone",
      }),
  async run({ paths, coverage, threshold, run, verbose, compare }, io) {
    await opaOf(io); // before anything is copied
    const stage = await stageRego(paths, { cwd: io.cwd, tests: true });
    const capabilities = `${stage.folder}.json`;
    try {
      await writeFile(capabilities, await testCapabilities(io));
      const flags = [
        ...(coverage ? ["--coverage"] : []),
        ...(threshold === undefined ? [] : ["--threshold", String(threshold)]),
        ...(verbose ? ["--verbose"] : []),
      ];
      // No test at all is a wrong path, and no success.
      const chosen = [
        ...(run === undefined ? [] : ["--run", run]),
        ...["--capabilities", capabilities, "--fail-on-empty", "--bundle", "."],
      ];
      const { code, stdout, stderr } = await runOpa(
        ["test", ...flags, ...chosen],
        stage.folder,
        io,
      );
      io.stdout.write(stdout);
      io.stderr.write(await withReasons(stderr));
      const told = asExit(code);
      if (!compare || told === exit.rejected) return told;
      const to = coverage ? io.stderr : io.stdout; // which has JSON then
      const compared = await tellTests(stage, { called: paths.join(" "), flags: chosen, to }, io);
      return told === exit.ok ? compared : told;
    } finally {
      await Promise.all([stage.remove(), rm(capabilities, { force: true })]);
    }
  },
};

type Capabilities = { readonly builtins: readonly { readonly name: string }[] };

/** What Rego may use, and what `opa test` itself puts into tests that have cases. */
async function testCapabilities(io: Io): Promise<string> {
  const { capabilitiesFile } = await import("@guardbee/operator/offline");
  const own = JSON.parse(await readFile(capabilitiesFile, "utf8")) as Capabilities;
  const { stdout } = await runOpa(["capabilities", "--current"], io.cwd, io);
  const { builtins } = JSON.parse(stdout) as Capabilities;
  const added = builtins.filter(({ name }) => name === "internal.test_case");
  return JSON.stringify({ ...own, builtins: [...own.builtins, ...added] });
}

/** opa's own: 0 all pass, 1 it cannot run them, 2 some fail. */
function asExit(code: number): ExitCode {
  return code === exit.ok || code === 2 ? code : exit.rejected;
}
