import { enums } from "../../gen/layout.ts";
import { type Asked, equalityDimension } from "../dims.ts";
import { numberKey } from "../keys.ts";
import type { By, ConditionCompiler, Dimension, DimensionTables } from "./compiler.ts";

const { FACET_PID, FACET_NSPID, FACET_PID_TREE, FACET_NSPID_TREE } = enums.facet_kind;
const { PID_IN, PID_NOT_IN } = enums.pid_list;

type Pid = By<"pid">;

export const pid: ConditionCompiler<Pid> = {
  facet({ inNamespace, followForks }) {
    if (followForks) return { kind: inNamespace ? FACET_NSPID_TREE : FACET_PID_TREE };
    return { kind: inNamespace ? FACET_NSPID : FACET_PID };
  },
  compile(asked, dimension) {
    if (asked[0]!.conditions[0]!.followForks) return generations(asked, dimension);
    const { entries, ...rows } = equalityDimension(
      dimension,
      asked.map(({ bit, conditions }) => ({
        bit,
        conditions: conditions.map(({ op, values }) => ({
          negated: op === "NotIn",
          values: new Set(values.map(String)),
        })),
      })),
    );
    const numbers = [...entries].map(([value, bits]) => ({
      key: numberKey(dimension.dim, BigInt(value)),
      value: bits,
    }));
    return { ...rows, numbers };
  },
};

/** The kernel adds the entries of all generations up, so these hold single conditions' bits. */
function generations(asked: readonly Asked<Pid>[], dimension: Dimension): DimensionTables {
  const having = (op: Pid["op"]) =>
    asked.flatMap(({ bit, conditions }) => {
      const some = conditions.filter((condition) => condition.op === op);
      return some.length === 0 ? [] : [{ bit, conditions: some }];
    });
  const [listed, excluded] = [having("In"), having("NotIn")];
  const double = listed.find(({ conditions }) => conditions.length > 1);
  if (double !== undefined) {
    throw new RangeError(
      `${dimension.hookOf(double.bit).set.name}: one selector has two matchPIDs In with followForks; write one`,
    );
  }
  const asking = new Set(listed.map(({ bit }) => bit));
  const otherwise = dimension.where((bit) => !asking.has(bit));
  return {
    otherwise,
    absent: otherwise, // a process has a pid
    numbers: [
      ...entriesOf(listed, PID_IN, dimension),
      ...entriesOf(excluded, PID_NOT_IN, dimension),
    ],
  };
}

function entriesOf(asked: readonly Asked<Pid>[], list: number, { dim, where }: Dimension) {
  const bitsOf = new Map<number, Set<number>>();
  for (const { bit, conditions } of asked) {
    for (const value of conditions.flatMap(({ values }) => values)) {
      bitsOf.set(value, (bitsOf.get(value) ?? new Set()).add(bit));
    }
  }
  return [...bitsOf].map(([value, bits]) => ({
    key: numberKey(dim, BigInt(value), list),
    value: where((bit) => bits.has(bit)),
  }));
}
