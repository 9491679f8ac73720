import { openFile } from "../decide/parameter.ts";
import { checkPath } from "../lower/path.ts";
import { textOperators } from "../schema/vocabulary.ts";
import type { ArgKind } from "./kind.ts";
import { operatorsOnText } from "./text.ts";

/** Test support: of files that are there. */
export const samplePaths = [
  ...["/tmp/forbidden/a", "/tmp/forbidden/b", "/tmp/ok", "/etc/passwd", "/tmp/forbidden"],
] as const;

/** What all types have in common whose reading is the path of an open file. */
export const ofPath = {
  aliases: [],
  facets: { path: "text" },
  operators: operatorsOnText("path", checkPath),
  upstreamOperators: textOperators,
  read: (index, call) => {
    const file = openFile(index, call);
    if (file?.isDetached) return "unknown";
    return file?.path ? { path: new TextEncoder().encode(file.path) } : undefined;
  },
  samples: [
    ...samplePaths,
    "/",
    "/tmp/",
    "/tmp/forbidden/",
    "/b",
    "n/a",
    "forbidden/a",
    "deep",
    "d",
  ],
} as const satisfies Partial<ArgKind>;
