import { compileRegex, regexProblem, type TextTest } from "@guardbee/agent/regex";
import { UsageError } from "./command.ts";
import { type EventKind, type EventLine, eventKinds } from "./event-line.ts";

/** What `getevents` lets through: every list that is not empty must have a match. */
export type EventFilter = {
  readonly kinds: readonly EventKind[];
  /** Exact; "" stands for processes outside of pods. */
  readonly namespaces: readonly string[];
  /** Over the pod's name; never matches outside of pods. */
  readonly pods: readonly TextTest[];
  /** Over the executable's path. */
  readonly processes: readonly TextTest[];
  /** Exact; only events of hooks have a policy. */
  readonly policies: readonly string[];
};

export function matchesFilter({ kind, event }: EventLine, filter: EventFilter): boolean {
  const process = event.get("process");
  const pod = process.get("pod");
  const podName = pod.text("name");
  return (
    any(filter.kinds, (wanted) => wanted === kind) &&
    any(filter.namespaces, (wanted) => event.has("process") && wanted === pod.text("namespace")) &&
    any(filter.pods, (matches) => podName !== "" && matches(podName)) &&
    any(filter.processes, (matches) => matches(process.text("binary"))) &&
    any(filter.policies, (wanted) => wanted === event.text("policy_name"))
  );
}

/** `PROCESS_EXEC`, as upstream writes it, or `process_exec`; undefined when there is no such kind. */
export function parseEventKind(text: string): EventKind | undefined {
  return eventKinds.find((kind) => kind === text.toLowerCase());
}

/** In RE2's syntax, as the agent's: what events say cannot make it take longer than they are long. Throws UsageError. */
export function parsePattern(option: string, text: string): TextTest {
  try {
    return compileRegex(text);
  } catch (cause) {
    const fix = "write a regular expression of RE2's syntax";
    throw new UsageError(`${option}: ${regexProblem(cause)}; ${fix}`, { cause });
  }
}

function any<T>(wanted: readonly T[], matches: (item: T) => boolean): boolean {
  return wanted.length === 0 || wanted.some(matches);
}
