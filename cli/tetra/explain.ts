import { type CrdFacts, type CrdSchema, crdFacts } from "@guardbee/policy/crds";
import { stringify } from "yaml";
import { UsageError } from "../command.ts";
import { aSwitch, aText, tetraCommand } from "./command.ts";
import { formatSchema, holderOf } from "./format-schema.ts";
import { tabbed } from "./tabbed.ts";

type Args = {
  readonly resource?: string;
  readonly output: "text" | "json" | "yaml";
  readonly recursive: boolean;
  readonly example: boolean;
  readonly list: boolean;
  readonly apiVersion: string;
};

export const explain = tetraCommand<Args>({
  ...{ name: "explain", positionals: "[resource]", example: "explain tracingpolicy.spec" },
  summary: "List the fields of a kind, or of a field of it: RESOURCE[.FIELD...]",
  options: (yargs) =>
    yargs
      .positional("resource", { type: "string", describe: "tgtp, tracingpolicy.spec.kprobes, ..." })
      .option("output", {
        ...{ alias: "o", choices: ["text", "json", "yaml"] as const, default: "text" as const },
        describe: "text: for people; json and yaml: the schema as it is",
      })
      .option("recursive", { ...aSwitch("The fields of fields, too"), alias: "R" })
      .option("example", aSwitch("With an example, where there is one"))
      .option("list", aSwitch("Which kinds there are"))
      .option("api-version", aText("Of this version")),
  async run(args, io) {
    const all = crdFacts();
    if (args.list) {
      const rows = all.map(({ kind, shortNames }) => [kind, shortNames.join(",")]);
      io.stdout.write(tabbed([["NAME", "SHORTNAMES"], ...rows], 2));
      return;
    }
    if (args.resource === undefined) throw new UsageError("accepts 1 arg(s), received 0");
    const [name = "", ...fields] = stepsOf(args.resource);
    const found = crdNamed(all, name);
    if (args.apiVersion !== "" && args.apiVersion !== found.version) {
      throw new UsageError(`version ${args.apiVersion} not found`);
    }
    const schema = schemaAt(found, fields);
    if (args.output === "json") io.stdout.write(`${JSON.stringify(schema)}\n`);
    else if (args.output === "yaml") {
      io.stdout.write(stringify(schema, { aliasDuplicateObjects: false, lineWidth: 0 }));
    } else {
      const { recursive, example } = args;
      io.stdout.write(formatSchema(found, { field: fields.at(-1), schema, recursive, example }));
    }
  },
});

/** `a.b[c][0].d` is a, b, c and d. */
function stepsOf(path: string): readonly string[] {
  const dots = path.replaceAll("][", ".").replaceAll(/\[([^\]]*)\]/g, (_, inside: string) => {
    const step = inside.trim();
    return step === "" || /^[+-]?\d+$/.test(step) ? "" : `.${step}`;
  });
  if (path === "") throw new UsageError("empty path");
  const steps = dots.split(".").map((step) => step.trim());
  if (steps[0] === "" || steps.at(-1) === "") {
    throw new UsageError("invalid path: cannot start or end with '.'");
  }
  return steps.filter((step) => step !== "");
}

function crdNamed(all: readonly CrdFacts[], given: string): CrdFacts {
  const name = given.toLowerCase();
  const found = all.find(
    ({ kind, shortNames }) => kind.toLowerCase() === name || shortNames.includes(name),
  );
  if (found !== undefined) return found;
  const supported = all.flatMap(({ kind, shortNames }) => [kind, ...shortNames]).sort();
  throw new UsageError(
    `unsupported resource: ${name} (supported resources: ${supported.join(", ")})`,
  );
}

function schemaAt({ kind, schema }: CrdFacts, fields: readonly string[]): CrdSchema {
  let at = schema;
  for (const [i, field] of fields.entries()) {
    const holder = holderOf(at);
    const known = Object.keys(holder.properties ?? {}).sort();
    const next = known.includes(field) ? holder.properties?.[field] : undefined;
    const any = holder.additionalProperties;
    if (next !== undefined) at = next;
    else if (known.length === 0 && typeof any === "object") at = any;
    else if (known.length === 0) {
      const path = [kind, ...fields.slice(0, i + 1)].join(".");
      throw new UsageError(`field "${path}" does not have properties`);
    } else {
      const path = [kind.toLowerCase(), ...fields.slice(0, i + 1)].join(".");
      throw new UsageError(
        `field "${field}" not found in "${path}" (available fields: ${known.join(", ")})`,
      );
    }
  }
  return at;
}
