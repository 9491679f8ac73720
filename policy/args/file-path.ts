import { type OpenFile, openFile } from "../decide/parameter.ts";
import { canonicalDecimals } from "../lower/canonical.ts";
import { checkPath } from "../lower/path.ts";
import { textOperators } from "../schema/vocabulary.ts";
import { quote } from "../suggest.ts";
import type { ArgKind, ArgOperator, MaybeReading } from "./kind.ts";
import { mostPathBytes } from "./length.ts";
import { recordedFile } from "./recorded.ts";
import { operatorsOnText } from "./text.ts";

/** Test support: of files that are there. */
export const samplePaths = [
  ...["/tmp/forbidden/a", "/tmp/forbidden/b", "/tmp/ok", "/etc/passwd", "/tmp/forbidden"],
] as const;

/** What kinds of files there are, as policies call them, by S_IFMT >> 12. */
const formats: Readonly<Record<string, number>> = {
  ...{ fifo: 1, pipe: 1, chr: 2, char: 2, dir: 4, blk: 6, block: 6 },
  ...{ reg: 8, regular: 8, lnk: 10, link: 10, sock: 12, socket: 12 },
};

/** The operators on the kind of a file. */
const onFormat = { FileType: format(false), NotFileType: format(true) } as const;

/** What all types have in common whose reading is the path of a file. */
export const ofPath = {
  aliases: [],
  facets: { path: "text", format: "number" },
  operators: { ...operatorsOnText("path", checkPath, { shown: lastNames }), ...onFormat },
  upstreamOperators: textOperators,
  read: (index, call) => readPath(openFile({ index }, call)),
  recorded: (argument) => {
    const file = recordedFile(argument);
    return file && { kind: "file", file };
  },
  samples: [
    ...[...samplePaths, "/", "/tmp/", "/tmp/forbidden/"],
    ...["/b", "n/a", "forbidden/a", "deep", "d"],
  ],
} as const satisfies Partial<ArgKind>;

/** The same of what leads to a file that is not open. */
export function pathKind(kind: "path" | "dentry" | "kiocb" | "linux_binprm") {
  return {
    ...ofPath,
    instead: `hook a kernel function that is given one: programs pass no ${kind} of the kernel`,
    parameters: kind === "kiocb" ? [] : [`struct ${kind} *` as const],
    read: (index, { parameters }) => {
      const parameter = parameters[index];
      const isIt = parameter?.kind === "struct" && parameter.name === kind;
      // A name alone leads to no path in a file system of the kernel's own, as pipes have.
      const isNone = kind === "dentry" && isIt && parameter.file.path === undefined;
      return readPath(isIt && !isNone ? parameter.file : undefined);
    },
    recorded: (argument) => {
      const file = recordedFile(argument);
      return file && { kind: "struct", name: kind, file };
    },
  } as const satisfies ArgKind;
}

/** Of a path what events have: its last names, as many as there is room for. */
function lastNames(path: Uint8Array): Uint8Array {
  if (path.length <= mostPathBytes) return path;
  return path.subarray(path.indexOf("/".charCodeAt(0), path.length - mostPathBytes));
}

const regular = 0o100000;

function readPath(file: OpenFile | undefined): MaybeReading {
  if (file === undefined) return undefined;
  const { path, isDetached, format = regular } = file;
  return {
    format: BigInt(format >> 12),
    ...(isDetached ? { path: "unknown" as const } : path && { path: bytesOf(path) }),
  };
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function format(negated: boolean): ArgOperator<bigint> {
  return {
    ...{ facet: "format", form: "equal", negated, samples: ["dir", "reg", "fifo", "socket"] },
    parse: (report, values, { at }) =>
      canonicalDecimals(
        values.flatMap((value, i) => {
          // A number is what a policy's word was lowered to.
          const known = Object.values(formats).find((number) => `${number}` === value);
          const number = Object.hasOwn(formats, value) ? formats[value] : known;
          if (number !== undefined) return [BigInt(number)];
          const fix = `allowed: ${Object.keys(formats).join(", ")}`;
          report.invalid(`${at}[${i}]`, `is ${quote(value)}`, fix);
          return [];
        }),
      ),
    lists: (number, values) => values.some((value) => number === BigInt(value)),
  };
}
