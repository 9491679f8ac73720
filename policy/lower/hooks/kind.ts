import type { ActionPlace } from "../../actions/kind.ts";
import type { HookPoint } from "../../hook-point.ts";
import type { HookSection } from "../../schema/tracing-policy.ts";
import type { Hook } from "../../selector-set.ts";
import type { Lists } from "../lists.ts";
import type { Report } from "../report.ts";

/** Everything that the language knows of one kind of hook: an entry of `hookKinds`. */
export type HookKind<Point extends HookPoint = HookPoint> = {
  /** Kind of policy that has them. */
  readonly policy: "TracingPolicy" | "ExecPolicy";
  /** Where its spec has them. In a TracingPolicy each entry of that list is one. */
  readonly section: HookSection | "rules";
  /** Other lists of the same in a TracingPolicy. */
  readonly alsoIn?: readonly HookSection[];
  /** One of them, which may name several things; none when that was refused, which `report` says. */
  lower(report: Report, entry: unknown, place: HookPlace): readonly Hook[];
  /** Why its calls cannot be overridden; undefined: they can. */
  whyNoOverride(on: Point): ActionPlace["noOverride"];
  /** In a word for people: `sys_write`. */
  describe(on: Point): string;
};

export type HookPlace = {
  readonly at: string;
  /** Of a policy of one namespace. */
  readonly namespaced: boolean;
  /** Of the policy. */
  readonly lists: Lists;
};
