import type { Condition } from "@guardbee/policy";
import { arg } from "./arg.ts";
import { binary, parentBinary } from "./binary.ts";
import { capability, capabilityChange, namespaceChange } from "./capability.ts";
import type { ConditionCompiler } from "./compiler.ts";
import { type Followed, followed } from "./followed.ts";
import { gained } from "./gained.ts";
import { namespace } from "./namespace.ts";
import { pid } from "./pid.ts";
import { type OnReturned, returned } from "./returned.ts";

/** What selectors ask: the conditions of their policy, and what their hook implies. */
export type Asking = Condition | Followed | OnReturned;

const compilers = {
  pid,
  binary,
  parentBinary,
  namespace,
  capability,
  namespaceChange,
  capabilityChange,
  arg,
  gained,
  followed,
  returned,
} satisfies {
  readonly [By in Asking["by"]]: ConditionCompiler<Extract<Asking, { readonly by: By }>>;
};

/** How conditions of one kind become tables. */
export function compilerOf({ by }: Asking): ConditionCompiler<Asking> {
  return compilers[by] as ConditionCompiler<Asking>;
}
