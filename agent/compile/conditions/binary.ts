import { type BinaryForm, binaryOperator } from "@guardbee/policy/sets";
import { enums } from "../../gen/layout.ts";
import { equalityDimension, longestListed, prefixDimension } from "../dims.ts";
import { executableText } from "../keys.ts";
import { nodeLimits, onNode } from "../resources.ts";
import type { By, ConditionCompiler } from "./compiler.ts";

const { FACET_BINARY, FACET_BINARY_PREFIX, FACET_BINARY_POSTFIX } = enums.facet_kind;
const kinds: Readonly<Record<BinaryForm, number>> = {
  exact: FACET_BINARY,
  prefix: FACET_BINARY_PREFIX,
  postfix: FACET_BINARY_POSTFIX,
};

type Executable = By<"binary"> | By<"parentBinary">;

/** Rows by executable id: the kernel keeps with each process which listed paths are its own. */
export const binary = ofExecutable<By<"binary">>(enums.binary_of.BINARY_OWN);

/** The same of its parent. */
export const parentBinary = ofExecutable<By<"parentBinary">>(enums.binary_of.BINARY_OF_PARENT);

function ofExecutable<C extends Executable>(part: number): ConditionCompiler<C> {
  return {
    facet: ({ op }) => ({ kind: kinds[binaryOperator(op).form], part }),
    compile(asked, dimension) {
      const { form } = binaryOperator(asked[0]!.conditions[0]!.op);
      const listings = asked.map(({ bit, conditions }) => ({
        bit,
        conditions: conditions.map(({ op, values }) => ({
          negated: binaryOperator(op).negated,
          values: new Set(values.map((text) => executableText(form, text))),
        })),
      }));
      const ids = dimension.shared.binaries[form];
      const tablesOf = form === "exact" ? equalityDimension : prefixDimension;
      const { entries, ...own } = tablesOf(dimension, listings);
      const keyOf = form === "exact" ? (path: string) => path : longestListed(entries);
      const rows = [...ids.keys()].map((path) => entries.get(keyOf(path)) ?? own.otherwise);
      return { ...own, rows, count: rows.length };
    },
    needs: ({ op, values }, place) => [
      onNode({
        what: "attach points that compare executables",
        limit: nodeLimits.executablePoints,
        amount: new Set([place.site]),
      }),
      onNode({
        what: "executables",
        limit: nodeLimits.executables,
        amount: new Set(values.map((path) => `${binaryOperator(op).form} ${path}`)),
      }),
    ],
  };
}
