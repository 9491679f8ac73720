import { type ExecFacts, execOf, type Given } from "../decide/parameter.ts";
import { canonicalTexts } from "../lower/canonical.ts";
import { quote } from "../suggest.ts";
import { ofPath, pathKind } from "./file-path.ts";
import { globMatches, parseGlobs } from "./glob.ts";
import type { ArgKind, ArgOperator, MaybeReading, Reading } from "./kind.ts";
import { equalTo } from "./number-operators.ts";

const ofFile = pathKind("linux_binprm");

/** Whether something is so: 1 or 0. */
const truth = { first: 0n, last: 1n };
const id = { first: 0n, last: 2n ** 32n - 1n };

/** A value of Digest: of what is executed it cannot be told, or not for as long as it runs. */
export const unknownDigest = "unknown";

/** Test support: of files that are there. */
export const sampleDigests = ["0a".repeat(32), "f9".repeat(32)] as const;

const untold =
  "events have the file that was executed, not for whom or for which script, where it comes from or its terminal";

const glob: ArgOperator<Uint8Array> = {
  ...{ facet: "path", form: "glob", negated: false },
  samples: ["/tmp/*", "/tmp/**/a", "/tmp/forbidden/*", "/**/b", "/tmp/*o*/*", "/*/deep/**"],
  parse: parseGlobs,
  lists: globMatches,
};

/** SHA-256 in hexadecimal, or that it is not known. */
const digest: ArgOperator<Uint8Array> = {
  ...{ facet: "digest", form: "equal", negated: false, untold },
  samples: [...sampleDigests, unknownDigest],
  parse: (report, values, { at }) => {
    for (const [i, value] of values.entries()) {
      if (value === unknownDigest || /^[0-9a-f]{64}$/.test(value)) continue;
      const fix = `write 64 hexadecimal digits, or ${unknownDigest}`;
      report.invalid(`${at}[${i}]`, `is ${quote(value)}`, fix);
    }
    return canonicalTexts(values);
  },
  lists: (bytes, values) => values.includes(Buffer.from(bytes).toString("latin1")),
};

/** A `struct linux_binprm *`: what is executed, by whom, and where it comes from. */
export const linux_binprm = {
  ...ofFile,
  facets: {
    ...ofPath.facets,
    ...({ user: "number", group: "number", fromImage: "number" } as const),
    ...({ interactive: "number", startsContainer: "number" } as const),
    ...({ interpreter: "number", script: "number", digest: "text" } as const),
  },
  operators: {
    ...ofPath.operators,
    Glob: glob,
    User: { ...equalTo({ facet: "user", holds: id }), samples: ["0", "1000"], untold },
    Group: { ...equalTo({ facet: "group", holds: id }), samples: ["0", "1000"], untold },
    FromImage: { ...equalTo({ facet: "fromImage", holds: truth }), samples: ["0", "1"], untold },
    Interactive: {
      ...equalTo({ facet: "interactive", holds: truth }),
      ...{ samples: ["0", "1"], untold },
    },
    StartsContainer: {
      ...equalTo({ facet: "startsContainer", holds: truth }),
      samples: ["0", "1"],
    },
    Interpreter: {
      ...equalTo({ facet: "interpreter", holds: truth }),
      ...{ samples: ["0", "1"], untold },
    },
    Digest: digest,
    Script: { ...equalTo({ facet: "script", holds: truth }), samples: ["0", "1"], untold },
  },
  read: (index: number, call: Given): MaybeReading => {
    const reading = ofFile.read(index, call);
    const parameter = call.parameters[index];
    if (typeof reading !== "object" || parameter?.kind !== "struct") return reading;
    return { ...reading, ...factsOf(execOf(parameter)) };
  },
} as const satisfies ArgKind;

/** Of an exec that was recorded nobody knows more than the file; and runtimes' own are not reported. */
function factsOf(exec: ExecFacts | undefined): Reading {
  if (exec === undefined) {
    const unknown = { user: "unknown", group: "unknown", fromImage: "unknown" } as const;
    const how = { interactive: "unknown", interpreter: "unknown", script: "unknown" } as const;
    return { ...unknown, ...how, digest: "unknown", startsContainer: 0n };
  }
  const { user, group, setsUser, setsGroup, origin, ...is } = exec;
  return {
    user: BigInt(setsUser ?? user),
    group: BigInt(setsGroup ?? group),
    fromImage: origin === "image" ? 1n : 0n,
    interactive: is.isInteractive ? 1n : 0n,
    startsContainer: is.startsContainer ? 1n : 0n,
    interpreter: is.isInterpreter ? 1n : 0n,
    script: is.isScript ? 1n : 0n,
    digest: new TextEncoder().encode(is.digest ?? unknownDigest),
  };
}
