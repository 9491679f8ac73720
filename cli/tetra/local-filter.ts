import type { FieldSelection } from "@guardbee/agent/field-filter";
import type { LineTest } from "@guardbee/agent/line-cel";
import type { TextTest } from "@guardbee/agent/regex";
import { formatProblem } from "@guardbee/policy";
import { UsageError } from "../command.ts";
import { type EventFilter, matchesFilter, parseEventKind, parsePattern } from "../event-filter.ts";
import type { EventKind } from "../event-line.ts";
import type { ReadEvent } from "../event-reader.ts";

/** What of `getevents`' options says which events, and what of them. */
export type FilterArgs = {
  readonly includeFields: string;
  readonly excludeFields: string;
  readonly eventTypes: readonly string[];
  readonly namespaceRegex: readonly string[];
  readonly pod: readonly string[];
  readonly process: readonly string[];
  readonly container: readonly string[];
  readonly policyNames: readonly string[];
  readonly celExpression: readonly string[];
};

/** The event with what is left of it; undefined: it is not let through. */
export type LocalFilter = (event: ReadEvent) => ReadEvent | undefined;

/**
 * Does to what is on standard input, where there is no agent, what an agent does to its events. Throws
 * UsageError.
 */
export async function localFilter(
  args: FilterArgs,
  namespaces: readonly string[],
): Promise<LocalFilter> {
  const filter: EventFilter = {
    kinds: args.eventTypes.flatMap((name) => parseEventKind(name) ?? []),
    namespaces,
    pods: args.pod.map((text) => parsePattern("--pod", text)),
    processes: args.process.map((text) => parsePattern("--process", text)),
    policies: args.policyNames,
  };
  const inNamespaces = args.namespaceRegex.map((text) => parsePattern("--namespace-regex", text));
  const inContainers = args.container.map((text) => parsePattern("--container", text));
  const conditions = await conditionsOf(args.celExpression);
  const select = await selectionOf(args);
  return (read) => {
    const pod = read.event.event.get("process").get("pod");
    if (!matchesFilter(read.event, filter)) return undefined;
    if (!matchesAny(inNamespaces, pod.text("namespace"))) return undefined;
    if (!matchesAny(inContainers, pod.get("container").text("name"))) return undefined;
    if (conditions.length > 0) {
      const line: unknown = JSON.parse(read.text);
      if (!conditions.some((holds) => holds(line))) return undefined;
    }
    return select === undefined ? read : select(read);
  };
}

function matchesAny(patterns: readonly TextTest[], text: string): boolean {
  if (patterns.length === 0) return true;
  return text !== "" && patterns.some((matches) => matches(text));
}

async function conditionsOf(expressions: readonly string[]): Promise<readonly LineTest[]> {
  if (expressions.length === 0) return [];
  const { createLineCel } = await import("@guardbee/agent/line-cel"); // only here: it is large
  const compile = createLineCel();
  return expressions.map((text) => {
    try {
      return compile(text);
    } catch (cause) {
      throw new UsageError(`--cel-expression: ${(cause as Error).message}`, { cause });
    }
  });
}

/** Undefined: events stay as they are. */
async function selectionOf({
  includeFields,
  excludeFields,
}: FilterArgs): Promise<((read: ReadEvent) => ReadEvent) | undefined> {
  const objects = [
    ...(includeFields === "" ? [] : [{ action: "INCLUDE", fields: includeFields }]),
    ...(excludeFields === "" ? [] : [{ action: "EXCLUDE", fields: excludeFields }]),
  ].map((value, i) => ({ value, source: "--include-fields, --exclude-fields", at: `[${i}]` }));
  if (objects.length === 0) return undefined;
  const { compileFieldFilters } = await import("@guardbee/agent/field-filter");
  const compiled = compileFieldFilters(objects);
  if (!compiled.ok) throw new UsageError(compiled.problems.map(formatProblem).join("\n"));
  const { value: select } = compiled;
  return select && ((read) => withFields(read, select));
}

function withFields({ event, text }: ReadEvent, select: FieldSelection): ReadEvent {
  const line = JSON.parse(text) as Readonly<Record<EventKind, Readonly<Record<string, unknown>>>>;
  const type = event.kind.toUpperCase() as Parameters<FieldSelection>[0];
  return { event, text: JSON.stringify({ ...line, [event.kind]: select(type, line[event.kind]) }) };
}
