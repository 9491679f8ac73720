import { compareValues, sorted } from "../order.ts";
import { RegoObject, RegoSet, type RegoValue } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import { identityOf } from "./equality.ts";
import { arrayOf, membersOf, objectOf } from "./operands.ts";

export const objects: Readonly<Record<string, Builtin>> = {
  "object.union_n": (objects) => arrayOf(objects).map(objectOf).reduce(union, new RegoObject([])),
  sort: (members) => [...membersOf(sorted(members!))].sort(compareValues),
  "object.subset": (whole, part) => isSubset(whole!, part!),
  "graph.reachable_paths": (graph, from) => reachablePaths(objectOf(graph), membersOf(from)),
};

function isSubset(whole: RegoValue, part: RegoValue): boolean {
  if (whole instanceof RegoObject && part instanceof RegoObject) return hasEntries(whole, part);
  if (whole instanceof RegoSet && part instanceof RegoSet) return hasMembers(whole.items, part);
  if (Array.isArray(whole) && Array.isArray(part)) return hasRun(whole, part);
  if (Array.isArray(whole) && part instanceof RegoSet) return isFilled(whole, part);
  throw new BuiltinError("both must be of the same type, or array and set");
}

/** Objects are compared within objects, and sets and arrays there too; what is in those, as it is. */
function hasEntries(whole: RegoObject, part: RegoObject): boolean {
  const values = new Map(whole.entries.map(([key, value]) => [identityOf(key), value]));
  return part.entries.every(([key, value]) => {
    const other = values.get(identityOf(key));
    if (other === undefined) return false;
    if (identityOf(other) === identityOf(value)) return true;
    const comparable =
      (other instanceof RegoObject && value instanceof RegoObject) ||
      (other instanceof RegoSet && value instanceof RegoSet) ||
      (Array.isArray(other) && Array.isArray(value));
    return comparable && isSubset(other, value);
  });
}

function hasMembers(whole: readonly RegoValue[], part: RegoSet): boolean {
  const known = new Set(whole.map(identityOf));
  return part.items.every((item) => known.has(identityOf(item)));
}

/** OPA counts each element that is a member, also the second of a kind, and so must we. */
function isFilled(whole: readonly RegoValue[], part: RegoSet): boolean {
  const members = new Set(part.items.map(identityOf));
  const counted = whole.filter((one) => members.has(identityOf(one))).length;
  return whole.length > 0 && counted >= members.size;
}

/** Whether `part` is somewhere in `whole` without a gap. */
function hasRun(whole: readonly RegoValue[], part: readonly RegoValue[]): boolean {
  const [long, short] = [whole.map(identityOf), part.map(identityOf)];
  for (let at = 0; at + short.length <= long.length; at++) {
    if (short.every((one, i) => one === long[at + i])) return true;
  }
  return false;
}

/** More is no answer for a policy: the number of paths can double with each vertex. */
const mostPaths = 100_000;

/** Each longest path without a cycle, as topdown/reachable.go walks them. */
function reachablePaths(graph: RegoObject, from: readonly RegoValue[]): RegoValue {
  const edges = new Map(graph.entries.map(([key, value]) => [identityOf(key), neighbours(value)]));
  const paths: (readonly RegoValue[])[] = [];
  const add = (path: readonly RegoValue[]) => {
    if (paths.push(path) > mostPaths) throw new Error(`finds more than ${mostPaths} paths`);
  };
  const walk = (vertex: RegoValue, path: readonly RegoValue[], seen: ReadonlySet<string>): void => {
    const name = identityOf(vertex);
    const next = edges.get(name);
    const longer = next === undefined ? path : [...path, vertex];
    if (next === undefined || next.length === 0) add(longer);
    const reached = new Set([...seen, name]);
    for (const one of next ?? []) {
      if (reached.has(identityOf(one))) add(longer);
      else walk(one, longer, reached);
    }
  };
  for (const vertex of from) {
    const next = edges.get(identityOf(vertex));
    if (next?.length === 0) add([vertex]);
    for (const one of next ?? []) walk(one, [vertex], new Set([identityOf(vertex)]));
  }
  return new RegoSet(paths);
}

function neighbours(value: RegoValue): readonly RegoValue[] {
  if (value instanceof RegoSet) return value.items;
  return Array.isArray(value) ? value : [];
}

/** All entries of both; where both have a key, objects are united and else the second's stays. */
function union(first: RegoObject, second: RegoObject): RegoObject {
  const entries = new Map(first.entries.map((entry) => [identityOf(entry[0]), entry]));
  for (const [key, value] of second.entries) {
    const identity = identityOf(key);
    const before = entries.get(identity)?.[1];
    const both = before instanceof RegoObject && value instanceof RegoObject;
    entries.set(identity, [key, both ? union(before, value) : value]);
  }
  return new RegoObject([...entries.values()]);
}
