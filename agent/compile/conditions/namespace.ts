import { enums } from "../../gen/layout.ts";
import { equalityDimension, type ListedBits } from "../dims.ts";
import { numberKey } from "../keys.ts";
import type { By, ConditionCompiler } from "./compiler.ts";

type Namespace = By<"namespace">;

const { namespace_part, namespace_list } = enums;
export const namespaceParts: Readonly<Record<Namespace["namespace"], number>> = {
  Uts: namespace_part.NAMESPACE_UTS,
  Ipc: namespace_part.NAMESPACE_IPC,
  Mnt: namespace_part.NAMESPACE_MNT,
  Pid: namespace_part.NAMESPACE_PID,
  PidForChildren: namespace_part.NAMESPACE_PID_FOR_CHILDREN,
  Net: namespace_part.NAMESPACE_NET,
  Time: namespace_part.NAMESPACE_TIME,
  TimeForChildren: namespace_part.NAMESPACE_TIME_FOR_CHILDREN,
  Cgroup: namespace_part.NAMESPACE_CGROUP,
  User: namespace_part.NAMESPACE_USER,
};

const hostWord = "host_ns";

/** Stands for every namespace of the host's pid 1 whose number is not listed; none has this one. */
const unlisted = "0";

/**
 * Numbers of namespaces, in two lists: what is left in a namespace that is not the host's, and in
 * the host's. Which one that is, the kernel knows.
 */
export const namespace: ConditionCompiler<Namespace> = {
  facet: ({ namespace: name }) => ({
    kind: enums.facet_kind.FACET_NAMESPACE,
    part: namespaceParts[name],
  }),
  compile(asked, dimension) {
    const all = asked.flatMap(({ conditions }) => conditions.flatMap(({ values }) => values));
    const numbers = new Set([unlisted, ...all]);
    numbers.delete(hostWord);
    /** In the host's namespace it is as if a condition with its word listed every number. */
    const tablesIn = (isHost: boolean) =>
      equalityDimension(
        dimension,
        asked.map(({ bit, conditions }) => ({
          bit,
          conditions: conditions.map(({ op, values }) => ({
            negated: op === "NotIn",
            values: isHost && values.includes(hostWord) ? numbers : new Set(values),
          })),
        })),
      );
    const [elsewhere, onHost] = [tablesIn(false), tablesIn(true)];
    const entriesOf = ({ entries, otherwise }: ListedBits, list: number) =>
      Array.from(numbers, (value) => ({
        key: numberKey(dimension.dim, BigInt(value), list),
        value: entries.get(value) ?? otherwise,
      }));
    const { otherwise, absent } = elsewhere;
    return {
      ...{ otherwise, absent },
      numbers: [
        ...entriesOf(elsewhere, namespace_list.NAMESPACE_OTHER),
        ...entriesOf(onHost, namespace_list.NAMESPACE_OF_HOST),
      ],
    };
  },
};
