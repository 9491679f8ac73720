import { capabilityNumber, isRecord, suggestFrom } from "@guardbee/policy/sets";
import type { Image } from "../../process/image.ts";
import { snakeCase } from "./snake-case.ts";
import type { Given } from "./values.ts";

/** Whether a process's capabilities are as asked for. */
export type CapabilityTest = (credentials: NonNullable<Image["credentials"]>) => boolean;

/**
 * Upstream's CapFilter: of each set that it names, one of four ways, and all sets must be so. Undefined
 * where it asks for nothing, or is wrong, which is reported.
 */
export function capabilityTest({ raw, field, report }: Given): CapabilityTest | undefined {
  if (!isRecord(raw)) return report.wrong(field, "is no object", shape);
  const tests: CapabilityTest[] = [];
  for (const [key, value] of Object.entries(raw)) {
    const set = sets.find((one) => one === snakeCase(key));
    const at = `${field}.${key}`;
    if (set === undefined) report.wrong(at, "is no set of capabilities", suggestFrom(key, sets));
    else if (value !== null) {
      const test = setTest({ raw: value, field: at, report });
      if (test !== undefined) tests.push((credentials) => test(credentials[set]));
    }
  }
  if (tests.length === 0) return undefined;
  return (credentials) => tests.every((test) => test(credentials));
}

const sets = ["permitted", "effective", "inheritable"] as const;
const shape = 'write {"effective":{"any":["CAP_SYS_ADMIN"]}}';

type BitsTest = (bits: bigint) => boolean;

/** `wanted` are the bits of the capabilities that are listed. */
const ways: Readonly<Record<string, (wanted: bigint) => BitsTest>> = {
  any: (wanted) => (bits) => (bits & wanted) !== 0n,
  all: (wanted) => (bits) => (bits & wanted) === wanted,
  exactly: (wanted) => (bits) => bits === wanted,
  none: (wanted) => (bits) => (bits & wanted) === 0n,
};

function setTest({ raw, field, report }: Given): BitsTest | undefined {
  if (!isRecord(raw)) return report.wrong(field, "is no object", shape);
  const given = Object.entries(raw).filter(
    ([, list]) => !(Array.isArray(list) && list.length === 0),
  );
  const [first] = given;
  if (first === undefined) return undefined;
  if (given.length > 1)
    return report.wrong(field, "has several ways", "write any, all, exactly or none");
  const [way, list] = first;
  const make = Object.hasOwn(ways, way) ? ways[way] : undefined;
  if (make === undefined || !Array.isArray(list)) {
    return report.wrong(
      `${field}.${way}`,
      "is no way to compare",
      suggestFrom(way, Object.keys(ways)),
    );
  }
  let wanted = 0n;
  for (const [i, name] of list.entries()) {
    const number = numberOf(name);
    if (number === undefined) {
      const fix = "write a capability as in capabilities(7): CAP_SYS_ADMIN";
      return report.wrong(`${field}.${way}[${i}]`, `is ${JSON.stringify(name)}`, fix);
    }
    wanted |= 1n << BigInt(number);
  }
  return make(wanted);
}

/** By its name, or its number, which requests have of those that this version does not know. */
function numberOf(name: unknown): number | undefined {
  if (typeof name === "number") return name >= 0 && name < 64 ? name : undefined;
  return typeof name === "string" ? capabilityNumber(name) : undefined;
}
