import { maybeExecProbe } from "../../process/exec-probe.ts";
import type { Image } from "../../process/image.ts";
import { type AgentEvent, isOfProcess, type ProcessState } from "../event.ts";
import { capabilityTest } from "./capabilities.ts";
import { eventTypeOf } from "./event-type.ts";
import { parseLabelSelector } from "./label-selector.ts";
import { memoized, type TextTest } from "./regex.ts";
import { aBoolean, anyRegex, eachOf, type Given, numbers, texts, types } from "./values.ts";

/** Whether a filter, or one field of it, matches an event. */
export type EventTest = (event: AgentEvent) => boolean;

export type FilterOptions = {
  /** Whether pid_set may be used: it is only right for processes whose start the agent saw. */
  readonly pidSet: boolean;
  /** Whether processes have credentials. */
  readonly credentials: boolean;
  /** Of `loadCel`, which knows where it is needed. */
  readonly cel?: CelCompiler | undefined;
};

/** The test of a CEL expression. Throws an Error that says what is wrong with it. */
export type CelCompiler = (expression: string) => EventTest;

/** One field of upstream's Filter. */
type FilterField = {
  /** Its test; undefined where it asks for nothing, or is wrong, which is reported. */
  compile(given: Given, options: FilterOptions): EventTest | undefined;
};

/** An event that has no process matches none of the fields that ask for one. */
export const filterFields = {
  binary_regex: { compile: (given) => inProcess(anyRegex(given), binaryOf) },
  namespace: { compile: (given) => namespaces(texts(given)) },
  health_check: { compile: (given) => healthCheck(aBoolean(given)) },
  pid: { compile: (given) => pids(numbers(given)) },
  pid_set: { compile: pidSet },
  event_set: { compile: (given) => eventSet(types(given)) },
  pod_regex: { compile: (given) => inPod(anyRegex(given), ({ pod }) => pod.name) },
  arguments_regex: { compile: (given) => inProcess(anyRegex(given), argumentsOf) },
  labels: { compile: labels },
  policy_names: { compile: (given) => policies(texts(given)) },
  capabilities: { compile: capabilities },
  cel_expression: { compile: celExpressions },
  parent_binary_regex: { compile: (given) => inParent(anyRegex(given), binaryOf) },
  parent_arguments_regex: { compile: (given) => inParent(anyRegex(given), argumentsOf) },
  container_id: { compile: (given) => inProcess(anyRegex(given), ({ docker }) => docker) },
  in_init_tree: { compile: (given) => inInitTree(aBoolean(given)) },
  ancestor_binary_regex: { compile: (given) => ancestors(anyRegex(given)) },
  container_name_regex: {
    compile: (given) => inPod(anyRegex(given), ({ container }) => container?.name),
  },
  namespace_regex: { compile: (given) => inPod(anyRegex(given), ({ pod }) => pod.namespace) },
} satisfies Readonly<Record<string, FilterField>>;

export type FilterFieldName = keyof typeof filterFields;

const binaryOf = ({ binary }: Image) => binary;
const argumentsOf = ({ arguments: words }: Image) => words;

/** The process that an event is about; undefined for what is about none, or when it is not known. */
const processOf = (event: AgentEvent) => (isOfProcess(event) ? event.process : undefined);
const parentOf = (event: AgentEvent) => (isOfProcess(event) ? event.parent : undefined);

function inProcess(
  test: TextTest | undefined,
  text: (image: Image) => string,
): EventTest | undefined {
  return test === undefined ? undefined : ofImage(processOf, memoized(test, text));
}

function inParent(
  test: TextTest | undefined,
  text: (image: Image) => string,
): EventTest | undefined {
  return test === undefined ? undefined : ofImage(parentOf, memoized(test, text));
}

function ofImage(
  stateOf: (event: AgentEvent) => ProcessState | undefined,
  test: (image: Image) => boolean,
): EventTest {
  return (event) => {
    const state = stateOf(event);
    return state !== undefined && test(state.image);
  };
}

type Container = NonNullable<ProcessState["container"]>;

/** Never matches outside of pods. */
function inPod(
  test: TextTest | undefined,
  text: (container: Container) => string | undefined,
): EventTest | undefined {
  if (test === undefined) return undefined;
  const matches = memoized(test, text);
  return (event) => {
    const container = processOf(event)?.container;
    return container !== undefined && matches(container);
  };
}

/** The empty name stands for processes outside of pods. */
function namespaces(wanted: readonly string[] | undefined): EventTest | undefined {
  if (wanted === undefined) return undefined;
  const names = new Set(wanted);
  return (event) => {
    const process = processOf(event);
    return process !== undefined && names.has(process.container?.pod.namespace ?? "");
  };
}

function pids(wanted: ReadonlySet<number> | undefined): EventTest | undefined {
  if (wanted === undefined) return undefined;
  return (event) => isOfProcess(event) && wanted.has(event.key.pid);
}

/** A process of these pids, or one that descends from them. */
function pidSet(given: Given, { pidSet: allowed }: FilterOptions): EventTest | undefined {
  const wanted = numbers(given);
  if (wanted === undefined) return undefined;
  if (!allowed) {
    const what = "is set, and of a process that ran before the agent did it may miss descendants";
    return given.report.wrong(given.field, what, "set --enable-pid-set-filter to take it as it is");
  }
  return (event) => {
    if (!isOfProcess(event)) return false;
    if (wanted.has(event.key.pid)) return true;
    return hasAncestor(event, ({ key }) => wanted.has(key.pid));
  };
}

function eventSet(wanted: ReturnType<typeof types>): EventTest | undefined {
  if (wanted === undefined) return undefined;
  return (event) => wanted.has(eventTypeOf(event));
}

/** Never matches a process whose credentials nobody asked for: then it is refused. */
function capabilities(given: Given, { credentials }: FilterOptions): EventTest | undefined {
  const test = capabilityTest(given);
  if (test === undefined) return undefined;
  if (!credentials) {
    const what = "is set, and events do not have credentials";
    return given.report.wrong(given.field, what, "set --enable-process-cred");
  }
  return (event) => {
    const found = processOf(event)?.image.credentials;
    return found !== undefined && test(found);
  };
}

/** Any of the expressions. */
function celExpressions(given: Given, { cel }: FilterOptions): EventTest | undefined {
  if (cel === undefined) throw new Error("filters with CEL are compiled with what loadCel gives");
  const fix = "write a condition over events, such as process_exec.process.pid == 1u";
  const tests = eachOf(given, texts(given), cel, (error) => [(error as Error).message, fix]);
  return tests && ((event) => tests.some((test) => test(event)));
}

/** Any of the selectors. Host processes have no labels, and match none. */
function labels(given: Given): EventTest | undefined {
  const parse = (text: string) => {
    const test = parseLabelSelector(text);
    if (test === undefined) throw new Error("it is no label selector");
    return test;
  };
  const fix = "write label selectors as kubectl takes them: app=web,tier!=db";
  const tests = eachOf(given, texts(given), parse, (error) => [(error as Error).message, fix]);
  if (tests === undefined) return undefined;
  return (event) => {
    const container = processOf(event)?.container;
    return container !== undefined && tests.some((test) => test(container.pod.labels));
  };
}

function policies(wanted: readonly string[] | undefined): EventTest | undefined {
  if (wanted === undefined) return undefined;
  const names = new Set(wanted);
  return (event) => event.kind === "hook" && names.has(event.hook.policy.name);
}

function inInitTree(wanted: boolean | undefined): EventTest | undefined {
  if (wanted === undefined) return undefined;
  return (event) => {
    const process = processOf(event);
    return process !== undefined && process.image.inInitTree === wanted;
  };
}

/** Its parent, the parent's parent and so on, as far as they are known. */
function ancestors(test: TextTest | undefined): EventTest | undefined {
  if (test === undefined) return undefined;
  const matches = memoized(test, binaryOf);
  return (event) => hasAncestor(event, ({ image }) => matches(image));
}

function hasAncestor(
  event: AgentEvent,
  is: (process: ProcessState["process"]) => boolean,
): boolean {
  for (let at = processOf(event)?.process.parent; at !== undefined; at = at.parent) {
    if (is(at)) return true;
  }
  return false;
}

/** Whether the process, or its parent, may be an exec probe of its container. */
function healthCheck(wanted: boolean | undefined): EventTest | undefined {
  if (wanted === undefined) return undefined;
  return (event) => {
    const process = processOf(event);
    if (process === undefined) return false;
    const parent = parentOf(event);
    return (isProbe(process) || (parent !== undefined && isProbe(parent))) === wanted;
  };
}

function isProbe({ image, container }: ProcessState): boolean {
  const probes = container?.container?.execProbes;
  return probes !== undefined && maybeExecProbe(image, probes);
}
