import { argTypesWhere } from "../args/index.ts";
import type { ArgKind } from "../args/kind.ts";
import { allowedIndexes, findByIndex } from "../lower/args.ts";
import type { Report } from "../lower/report.ts";
import type { ActionSpec } from "../schema/action.ts";
import type { ActionPlace } from "./kind.ts";

/** Position in the hook's args of the argument that `field` names, which stands for a descriptor or a file. */
export function positionOf(
  report: Report,
  spec: ActionSpec,
  field: "argFd" | "argName",
  is: Exclude<NonNullable<ArgKind["standsFor"]>, "socket">,
  place: ActionPlace,
): number | undefined {
  const { table } = place;
  const at = `${place.at}.${field}`;
  const index = spec[field];
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

/** Position in the hook's args of the socket that `argSock` names, by its position in the policy's. */
export function socketOf(
  report: Report,
  { argSock: position }: ActionSpec,
  { at: action, table: { entries } }: ActionPlace,
): number | undefined {
  const at = `${action}.argSock`;
  const types = argTypesWhere(({ standsFor }) => standsFor === "socket");
  const fix = `write the position in args, from 0, of one of type ${types.join(" or ")}`;
  const entry = position === undefined ? undefined : entries[position];
  if (position === undefined) report.invalid(at, "is missing", fix);
  else if (entry === undefined) report.invalid(at, `${position} is out of range`, fix);
  else if (entry.lowered !== undefined && !types.includes(entry.lowered.type)) {
    report.invalid(at, `${position} is an argument of type ${entry.type}`, fix);
  }
  return entry?.position;
}
