import { aNumber, type Command, type ExitCode, exit } from "../command.ts";
import { opaOf, runOpa } from "../rego/opa.ts";
import { stageRego } from "../rego/stage.ts";

export type RegoTestArgs = {
  readonly paths: readonly string[];
  readonly coverage: boolean;
  readonly threshold: number | undefined;
  readonly run: string | undefined;
  readonly verbose: boolean;
};

export const regoTest: Command<RegoTestArgs> = {
  name: "rego test",
  positionals: "<paths..>",
  summary: "Run opa test on Rego, within what Guardbee lets Rego use",
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
      .option("verbose", { type: "boolean", default: false, describe: "Name each test" }),
  async run({ paths, coverage, threshold, run, verbose }, io) {
    const { capabilitiesFile } = await import("@guardbee/operator");
    await opaOf(io); // before anything is copied
    const stage = await stageRego(paths, { cwd: io.cwd, tests: true });
    try {
      const flags = [
        ...(coverage ? ["--coverage"] : []),
        ...(threshold === undefined ? [] : ["--threshold", String(threshold)]),
        ...(run === undefined ? [] : ["--run", run]),
        ...(verbose ? ["--verbose"] : []),
      ];
      // No test at all is a wrong path, and no success.
      const always = ["--capabilities", capabilitiesFile, "--fail-on-empty", "--bundle", "."];
      const { code, stdout, stderr } = await runOpa(
        ["test", ...flags, ...always],
        stage.folder,
        io,
      );
      io.stdout.write(stdout);
      io.stderr.write(stderr);
      return asExit(code);
    } finally {
      await stage.remove();
    }
  },
};

/** opa's own: 0 all pass, 1 it cannot run them, 2 some fail. */
function asExit(code: number): ExitCode {
  return code === exit.ok || code === 2 ? code : exit.rejected;
}
