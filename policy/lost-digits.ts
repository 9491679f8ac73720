import type { Problem } from "./problem.ts";

/**
 * Each number in a value out of JSON or YAML that may be another one than was written: a whole number
 * beyond 2^53, of which JavaScript, and the API server beyond 2^63, keeps the nearest that it can
 * hold. `field` is that of the value itself. At most five; never throws.
 */
export function lostDigits(value: unknown, field: string): readonly Problem[] {
  const problems: Problem[] = [];
  const waiting: (readonly [unknown, string])[] = [[value, field]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [one, at] = next;
    if (typeof one === "number" && mayHaveLost(one)) {
      problems.push({
        field: at,
        what: `is read as ${one}: of whole numbers beyond 2^53 the last digits are lost`,
        fix: "write it as text, and to_number in the Rego",
        kind: "invalid",
      });
      if (problems.length === most) break;
    }
    if (typeof one !== "object" || one === null) continue;
    const members = Array.isArray(one)
      ? one.map((member, i) => [member, `${at}[${i}]`] as const)
      : Object.entries(one).map(([key, member]) => [member, `${at}.${key}`] as const);
    waiting.push(...members.reverse());
  }
  return problems;
}

const most = 5;

function mayHaveLost(value: number): boolean {
  return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
}
