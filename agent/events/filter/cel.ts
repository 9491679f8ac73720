import { type CelEnv, celEnv, isCelError, objectType, parse, plan } from "@bufbuild/cel";
import { strings } from "@bufbuild/cel/ext";
import { create, createRegistry, fromBinary, type Message } from "@bufbuild/protobuf";
import { type GetEventsResponse, GetEventsResponseSchema } from "../../gen/wire.ts";
import { createBootClock } from "../boot-clock.ts";
import { createEventWire } from "../encode/event-wire.ts";
import type { AgentEvent } from "../event.ts";
import { addressFunctions } from "./cel-addresses.ts";
import { namesIn } from "./cel-names.ts";
import { eventTypeOf } from "./event-type.ts";
import type { CelCompiler } from "./fields.ts";

/**
 * Makes tests of CEL expressions over events as upstream's messages have them: `process_exec.process.pid`. An
 * expression is asked only of events that it names, and one that fails is no match, as upstream.
 */
export function createCel(nodeName: string): CelCompiler {
  const compile = createMessageCel();
  const bootClock = createBootClock();
  const wireOf = createEventWire({ nodeName, bootToWallNs: (ns) => bootClock.toWallNs(ns) });
  const messageOf = remembered((event) => fromBinary(GetEventsResponseSchema, wireOf(event)));
  return (text) => {
    const { named, test } = compile(text);
    return (event) => named.has(eventTypeOf(event).toLowerCase()) && test(messageOf(event));
  };
}

/** An expression over messages, and the kinds of events that it names. */
type MessageTest = {
  readonly named: ReadonlySet<string>;
  readonly test: (message: GetEventsResponse) => boolean;
};

/** The same over messages that are there. */
export function createMessageCel(): (text: string) => MessageTest {
  const env = celEnv({
    variables: Object.fromEntries(
      members.map(({ name, message }) => [name, objectType(message!)] as const),
    ),
    registry: createRegistry(...members.map(({ message }) => message!)),
    funcs: [...strings, ...addressFunctions],
  });
  return (text) => compile(text, env);
}

/** The kinds of events: what variables there are. */
const members = GetEventsResponseSchema.oneofs[0]!.fields;

/** Throws an Error that says what is wrong with it. */
function compile(text: string, env: CelEnv): MessageTest {
  const parsed = parse(text);
  const evaluate = plan(env, parsed) as (variables: Record<string, Message>) => unknown;
  const named = namesIn(parsed.expr, members);
  for (const { name, message } of members.filter(({ name }) => named.has(name))) {
    const value = evaluate({ [name]: create(message!) });
    if (isCelError(value)) throwIfWrong(value.message);
    // Null: a true or false that is not set.
    else if (typeof value !== "boolean" && value !== null)
      throw new Error("it is no condition, true or false");
  }
  const test = ({ event }: GetEventsResponse): boolean => {
    if (event.case === undefined) return false;
    const name = GetEventsResponseSchema.field[event.case]!.name;
    return named.has(name) && evaluate({ [name]: event.value }) === true;
  };
  return { named, test };
}

/** What is an error of every event is one of the expression. */
function throwIfWrong(message: string): void {
  if (/^(unbound function|error parsing regexp)/.test(message)) throw new Error(message);
}

/** Of an event that several expressions ask the message is made once. */
function remembered(
  make: (event: AgentEvent) => GetEventsResponse,
): (event: AgentEvent) => GetEventsResponse {
  let last: { readonly event: AgentEvent; readonly message: GetEventsResponse } | undefined;
  return (event) => {
    if (last?.event !== event) last = { event, message: make(event) };
    return last.message;
  };
}
