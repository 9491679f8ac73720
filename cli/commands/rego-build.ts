import { copyFile, rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { Bundle } from "@guardbee/operator/offline";
import { oneLine } from "@guardbee/policy/printable";
import { type Command, exit, type Io, UsageError } from "../command.ts";
import { openTarball } from "../rego/bundle.ts";
import { opaOf, runOpa, withReasons } from "../rego/opa.ts";
import { readSigner, type Signer } from "../rego/signer.ts";
import { stageRego } from "../rego/stage.ts";

/** Where the operator looks, unless the RegoPolicy says otherwise: for generators and guard rails. */
const entryPointOf = {
  "guardbee.generate": "guardbee/generate/policies",
  "guardbee.guardrail": "guardbee/guardrail/decision",
} as const;

export type RegoBuildArgs = {
  readonly paths: readonly string[];
  readonly output: string;
  readonly entrypoint: readonly string[] | undefined;
  readonly revision: string | undefined;
  readonly signingKey: string | undefined;
  readonly signingAlg: string | undefined;
  readonly verificationKeyId: string;
  readonly target: "wasm" | "rego";
};

export const regoBuild: Command<RegoBuildArgs> = {
  name: "rego build",
  positionals: "<paths..>",
  summary: "Build Rego and data into a bundle for RegoPolicies, signed if wanted",
  examples: [
    "rego build config/examples/rego/protected-paths --revision r1",
    "rego build policy --signing-key bundle.key --verification-key-id release -o edge.tar.gz",
  ],
  options: (yargs) =>
    yargs
      .positional("paths", {
        type: "string",
        array: true,
        demandOption: true,
        describe: "Folders, Rego, data.json, or a RegoPolicy; _test.rego files are left out",
      })
      .option("output", {
        alias: "o",
        type: "string",
        default: "bundle.tar.gz",
        describe: "The tarball",
      })
      .option("entrypoint", {
        alias: "e",
        type: "string",
        array: true,
        nargs: 1,
        describe:
          "What is compiled [default: guardbee/generate/policies or guardbee/guardrail/decision]",
      })
      .option("target", {
        choices: ["wasm", "rego"] as const,
        default: "wasm" as const,
        describe: "With policy.wasm, or the Rego alone, which a RegoPolicyNamespaced has to bring",
      })
      .option("revision", { type: "string", describe: "Shown in the status of its RegoPolicy" })
      .option("signing-key", { type: "string", describe: "A private key, in PEM, to sign with" })
      .option("signing-alg", {
        type: "string",
        describe: "How it signs, such as PS256 [default: what goes with the key]",
      })
      .option("verification-key-id", {
        type: "string",
        default: "default",
        describe: "The id that the RegoPolicy has the public key by",
      }),
  async run(args, io) {
    await opaOf(io); // before anything is copied
    const { signingKey, signingAlg: algorithm, verificationKeyId: id } = args;
    const signer =
      signingKey === undefined
        ? undefined
        : await readSigner(signingKey, { cwd: io.cwd, algorithm, id });
    const stage = await stageRego(args.paths, { cwd: io.cwd, tests: false });
    const made = `${stage.folder}.tar.gz`;
    try {
      const entryPoints = args.entrypoint ?? entryPointsIn(stage.modules);
      const flags = await buildFlags(args, entryPoints, signer);
      const built = await runOpa(["build", ...flags, "--output", made, "."], stage.folder, io);
      if (built.code !== 0) {
        io.stderr.write(await withReasons(built.stderr || built.stdout));
        return exit.rejected;
      }
      const bundle = await openTarball(made, args.output, signer);
      await copyTo(made, args.output, io);
      io.stdout.write(describe(args.output, bundle, signer));
      return exit.ok;
    } finally {
      await Promise.all([stage.remove(), rm(made, { force: true })]);
    }
  },
};

async function copyTo(made: string, output: string, io: Io): Promise<void> {
  try {
    await copyFile(made, resolve(io.cwd, output));
  } catch (error) {
    throw new UsageError(`--output ${output}: cannot be written: ${(error as Error).message}`);
  }
}

function entryPointsIn(modules: readonly string[]): readonly string[] {
  const found = Object.entries(entryPointOf)
    .filter(([name]) => modules.some((one) => new RegExp(`^package ${name}\\s*$`, "m").test(one)))
    .map(([, entryPoint]) => entryPoint);
  if (found.length > 0) return found;
  const packages = Object.keys(entryPointOf).join(" or ");
  throw new UsageError(`no Rego has package ${packages}; name what to compile with --entrypoint`);
}

async function buildFlags(
  { revision, target }: RegoBuildArgs,
  entryPoints: readonly string[],
  signer: Signer | undefined,
): Promise<readonly string[]> {
  const { capabilitiesFile } = await import("@guardbee/operator/offline");
  const signing =
    signer === undefined
      ? []
      : [
          ...["--signing-key", signer.file, "--signing-alg", signer.key.algorithm],
          ...["--verification-key-id", signer.key.id],
        ];
  return [
    ...["--target", target, "--capabilities", capabilitiesFile, "--bundle"],
    ...(target === "rego" ? [] : entryPoints.flatMap((one) => ["--entrypoint", one])),
    ...(revision === undefined ? [] : ["--revision", revision]),
    ...signing,
  ];
}

function describe(output: string, bundle: Bundle, signer: Signer | undefined): string {
  const { digest, revision, modules, data, wasm } = bundle;
  const signed =
    signer === undefined ? "not signed" : `${signer.key.algorithm} by key ${signer.key.id}`;
  const lines = [
    ["digest", digest],
    ["revision", revision || "none"],
    ["entry points", wasm?.entryPoints.join(", ") ?? "none"],
    ["policy.wasm", `${wasm?.module.byteLength ?? 0} bytes`],
    ["rego", modules.map(({ path }) => path).join(", ") || "none"],
    ["data", Object.keys(data).join(", ") || "none"],
    ["signature", signed],
  ] as const;
  const shown = lines.map(([name, value]) => `  ${name}: ${oneLine(value)}\n`);
  return `${oneLine(output)}\n${shown.join("")}`;
}
