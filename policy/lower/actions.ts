import type { Static } from "typebox";
import { argTypesWhere } from "../args/index.ts";
import type { ArgKind } from "../args/kind.ts";
import type { Immutable } from "../schema/dsl.ts";
import type { action as actionSchema } from "../schema/selector.ts";
import type { Action, HookPoint } from "../selector-set.ts";
import { type ArgTable, allowedIndexes, findByIndex } from "./args.ts";
import { maxErrno, maxSignal } from "./limits.ts";
import { type Report, refuseOthers } from "./report.ts";

type ActionSpec = Immutable<Static<typeof actionSchema>>;
type Place = { readonly at: string; readonly on: HookPoint | undefined; readonly table: ArgTable };

/** Which fields say something to each action. */
const fields: Readonly<Record<Action["action"], readonly string[]>> = {
  Post: [],
  NoPost: [],
  // Upstream's own examples give these an argError, which it does not look at.
  Sigkill: ["argError"],
  Signal: ["argError", "argSig"],
  Override: ["argError"],
  FollowFD: ["argFd", "argName"],
  UnfollowFD: ["argFd", "argName"],
  CopyFD: ["argFd", "argName"],
};

/** One of matchActions; undefined when it was refused. */
export function lowerAction(report: Report, spec: ActionSpec, place: Place): Action | undefined {
  const { at } = place;
  const { action } = spec;
  if (!(action in fields)) {
    const fix = `this version takes ${Object.keys(fields).join(", ")}`;
    report.unsupported(`${at}.action`, `${action} is not supported yet`, fix);
    return undefined;
  }
  const known = ["action", ...fields[action as Action["action"]]];
  refuseOthers(report, spec, {
    at,
    known,
    fix: `remove it: this version does not use it with ${action}`,
  });
  switch (action) {
    case "Post":
    case "NoPost":
    case "Sigkill":
      return { action };
    case "Signal":
      return lowerSignal(report, spec.argSig, at);
    case "Override":
      return lowerOverride(report, spec.argError, place);
    case "FollowFD": {
      const fd = position(report, spec.argFd, { ...place, at: `${at}.argFd`, is: "descriptor" });
      const name = position(report, spec.argName, { ...place, at: `${at}.argName`, is: "file" });
      return fd === undefined || name === undefined ? undefined : { action, fd, name };
    }
    case "UnfollowFD": {
      const fd = position(report, spec.argFd, { ...place, at: `${at}.argFd`, is: "descriptor" });
      return fd === undefined ? undefined : { action, fd };
    }
    case "CopyFD": {
      const fd = position(report, spec.argFd, { ...place, at: `${at}.argFd`, is: "descriptor" });
      const to = position(report, spec.argName, {
        ...place,
        at: `${at}.argName`,
        is: "descriptor",
      });
      return fd === undefined || to === undefined ? undefined : { action, fd, to };
    }
  }
}

function lowerSignal(report: Report, signal: number | undefined, at: string): Action | undefined {
  if (signal !== undefined && signal >= 1 && signal <= maxSignal) {
    return { action: "Signal", signal };
  }
  const what = signal === undefined ? "is missing" : `is ${signal}`;
  report.invalid(`${at}.argSig`, what, `write a signal number, 1 to ${maxSignal}`);
  return undefined;
}

function lowerOverride(
  report: Report,
  error: number | undefined,
  { at, on }: Place,
): Action | undefined {
  if (on?.kind === "exec") {
    const fix = "use Sigkill: the exec is done when an ExecPolicy looks at it";
    report.unsupported(`${at}.action`, "Override is not supported here yet", fix);
    return undefined;
  }
  if (on !== undefined && !on.syscall && !on.call.startsWith("security_")) {
    const fix = "hook a system call or a security_ function, or use Sigkill";
    report.invalid(`${at}.action`, `Override cannot stop ${on.call}`, fix);
  }
  if (error === 0) {
    const fix = "write a negative errno such as -1 (EPERM)";
    report.unsupported(`${at}.argError`, "0 (the call is skipped but succeeds)", fix);
    return undefined;
  }
  if (error === undefined || error > 0 || error < -maxErrno) {
    const what = error === undefined ? "is missing" : `is ${error}`;
    report.invalid(`${at}.argError`, what, `write a negative errno, -1 (EPERM) to -${maxErrno}`);
    return undefined;
  }
  return { action: "Override", error: -error };
}

function position(
  report: Report,
  index: number | undefined,
  place: { readonly at: string; readonly table: ArgTable; readonly is: ArgKind["standsFor"] },
): number | undefined {
  const { at, table, is } = place;
  if (index === undefined) {
    report.invalid(at, "is missing", `write the index of an argument; ${allowedIndexes(table)}`);
    return undefined;
  }
  const entry = findByIndex(table, index);
  const types = argTypesWhere(({ standsFor }) => standsFor === is);
  if (entry === undefined) {
    report.invalid(at, `${index} is out of range`, allowedIndexes(table));
  } else if (entry.lowered !== undefined && !types.includes(entry.lowered.type)) {
    const fix = `it must be of type ${types.join(" or ")}`;
    report.invalid(at, `${index} is an argument of type ${entry.type}`, fix);
  }
  return entry?.position;
}
