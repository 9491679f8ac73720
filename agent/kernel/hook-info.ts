import type { Arg, PolicyRef, Request, Returned, SelectorSet } from "@guardbee/policy";
import type { Reported } from "../attach/index.ts";
import type { ReportCounts } from "./report-counts.ts";

/** What the events of a hook say beside what the kernel reports: built once for a program. */
export type HookInfo = Reported & {
  readonly policy: PolicyRef;
  /** As the policy has them; labels come from here. */
  readonly args: readonly Arg[];
  /** Present: events say what the call returned. */
  readonly returned?: Returned;
  /** By selector: what the agent asks of others when it gets the event; absent: nothing of any. */
  readonly requests?: readonly (readonly Request[])[];
  /** By selector: enum action_code of the last action at the return; absent: none has any. */
  readonly returnActions?: readonly (number | undefined)[];
  /** Present: events of some selector have stacks. */
  readonly hasStacks?: true;
  /** Present: events of some selector have the hash of the file that the hook is asked about. */
  readonly hasHash?: true;
  /** Present: which selectors match what no rule of its policy names, which is to be learned. */
  readonly learns?: NonNullable<SelectorSet["learn"]>;
  /** Present: its events are counted there. */
  readonly reports?: ReportCounts;
  readonly message?: string;
  readonly tags?: readonly string[];
};

/** What its events say was called, by the fields of their kind. */
export function namesOf({
  names,
  functionName,
}: HookInfo): Readonly<Record<string, string | number>> {
  return names ?? { function_name: functionName };
}

/** The hook of a number in a hook event on an entry of its system call, or undefined when it is gone. */
export type HookLookup = (hook: number, entry: number) => HookInfo | undefined;
