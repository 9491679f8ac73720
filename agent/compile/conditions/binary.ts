import { enums } from "../../gen/layout.ts";
import { equalityDimension, longestListed, prefixDimension } from "../dims.ts";
import { bytes } from "../keys.ts";
import { nodeLimits, onNode } from "../resources.ts";
import type { By, ConditionCompiler } from "./compiler.ts";

const { FACET_BINARY, FACET_BINARY_PREFIX } = enums.facet_kind;

type Binary = By<"binary">;

/** Rows by executable id: the kernel keeps with each process which listed paths are its own. */
export const binary: ConditionCompiler<Binary> = {
  facet: (condition) => ({ kind: isPrefix(condition) ? FACET_BINARY_PREFIX : FACET_BINARY }),
  compile(asked, dimension) {
    const listings = asked.map(({ bit, conditions }) => ({
      bit,
      conditions: conditions.map(({ op, values }) => ({
        negated: op === "NotIn" || op === "NotPrefix",
        values: new Set(values.map(bytes)),
      })),
    }));
    const byPrefix = isPrefix(asked[0]!.conditions[0]!);
    const { binaryExact, binaryPrefix } = dimension.shared;
    const ids = byPrefix ? binaryPrefix : binaryExact;
    const tablesOf = byPrefix ? prefixDimension : equalityDimension;
    const { entries, ...own } = tablesOf(dimension, listings);
    const keyOf = byPrefix ? longestListed(entries) : (path: string) => path;
    const rows = [...ids.keys()].map((path) => entries.get(keyOf(path)) ?? own.otherwise);
    return { ...own, rows, count: rows.length };
  },
  needs: (condition, place) => [
    onNode({
      what: "attach points that compare executables",
      limit: nodeLimits.executablePoints,
      amount: new Set([place.site]),
    }),
    onNode({
      what: "executables",
      limit: nodeLimits.executables,
      amount: new Set(condition.values.map((path) => `${isPrefix(condition)} ${path}`)),
    }),
  ],
};

function isPrefix({ op }: Binary): boolean {
  return op === "Prefix" || op === "NotPrefix";
}
