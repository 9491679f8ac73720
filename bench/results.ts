import { keys } from "./keys.ts";

/** `bench/results.json`: by key. */
export type Results = Readonly<Record<string, Result>>;
export type Result = {
  readonly value: number;
  readonly unit: string;
  /** What the machine takes with nothing of ours, or with an empty program. */
  readonly floor?: number;
  readonly target?: number;
  readonly kernel: string;
  readonly method: string;
  /** Of a fleet: the same by number of nodes; `value` is that of the largest. */
  readonly byNodes?: Readonly<Record<string, number>>;
};

/** A figure as it was measured. */
export type Figure = {
  readonly value: string;
  readonly number: number;
  readonly floor?: number;
  /** Of the fleet that was measured. */
  readonly nodes?: number;
  readonly method: string;
};

/** Adds figures to earlier results, in the order of `keys`, with targets worked out again. */
export function mergeResults(
  earlier: Results,
  figures: readonly Figure[],
  kernel: string,
  { add = false }: { readonly add?: boolean } = {},
): Results {
  const merged: Record<string, Result> = {};
  for (const { name, unit } of keys) {
    const measured = figures.filter(({ value }) => value === name);
    const figure = largest(measured);
    const before = earlier[name];
    if (figure === undefined && before === undefined) continue;
    const target = targetOf(name, figures, earlier);
    if (figure === undefined) {
      merged[name] = before!;
      continue;
    }
    merged[name] = {
      value: rounded(figure.number),
      unit,
      ...(figure.floor === undefined ? {} : { floor: rounded(figure.floor) }),
      ...(target === undefined ? {} : { target }),
      kernel,
      method: figure.method,
      ...byNodes(measured, add ? before?.byNodes : {}),
    };
  }
  return merged;
}

/** Of fleets the one with most nodes: what the others gave is its slope. */
function largest(measured: readonly Figure[]): Figure | undefined {
  return [...measured].sort((a, b) => (b.nodes ?? 0) - (a.nodes ?? 0))[0];
}

/** Of one run only, unless asked: figures of fleets that differ in more than their nodes are no slope. */
function byNodes(measured: readonly Figure[], earlier: Result["byNodes"]): Pick<Result, "byNodes"> {
  const sized = measured.filter(({ nodes }) => nodes !== undefined);
  if (sized.length === 0) return {};
  const now = Object.fromEntries(sized.map(({ nodes, number }) => [nodes, rounded(number)]));
  return { byNodes: { ...earlier, ...now } };
}

/** What breaks the one rule that is checked, as a sentence; undefined when it holds. */
export function brokenRule(results: Results): string | undefined {
  const [one, hundred] = [results.write_arg_1, results.write_arg_100];
  if (one === undefined || hundred === undefined) return undefined;
  if (hundred.value <= 1.2 * one.value) return undefined;
  return `write_arg_100: ${hundred.value} instructions are more than 1.2 × the ${one.value} of write_arg_1; find what grows with the number of policies`;
}

/** Whether a figure reached its target; undefined where it has none. */
export function isMet(name: string, { value, target }: Result): boolean | undefined {
  if (target === undefined) return undefined;
  return isMore(name) ? value >= target : value <= target;
}

/** Whether more of a figure is better. */
export function isMore(name: string): boolean {
  return keys.some((key) => key.name === name && key.more === true);
}

function targetOf(name: string, figures: readonly Figure[], earlier: Results): number | undefined {
  const target = keys.find((key) => key.name === name)?.target;
  if (typeof target !== "object") return target;
  const base =
    figures.find(({ value }) => value === target.of)?.number ?? earlier[target.of]?.value;
  if (base === undefined) return undefined;
  return rounded("times" in target ? target.times * base : target.plus + base);
}

/** Whole instructions and bytes; a tenth counts only below a hundred, a hundredth below one. */
function rounded(number: number): number {
  if (Math.abs(number) < 1) return Math.round(number * 100) / 100;
  return Math.abs(number) < 100 ? Math.round(number * 10) / 10 : Math.round(number);
}
