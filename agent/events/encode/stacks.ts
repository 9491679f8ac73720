import { tags } from "../../gen/wire-numbers.ts";
import { textField } from "../../json/json-text.ts";
import type { StackEntry, Stacks } from "../../stacks/stacks.ts";
import type { WireWriter } from "../../wire/writer.ts";

/** The members of a hook's event for the stacks of its call; nothing of one that is not known. */
export function stackFields({ kernel = [], user = [] }: Stacks = {}): string {
  return `${stackField("kernel_stack_trace", kernel)}${stackField("user_stack_trace", user)}`;
}

function stackField(name: string, entries: readonly StackEntry[]): string {
  if (entries.length === 0) return "";
  return `,"${name}":[${entries.map(entryJson).join(",")}]`;
}

function entryJson({ address = 0n, offset, symbol, module }: StackEntry): string {
  const fields = [
    address === 0n ? "" : `,"address":"${address}"`,
    offset === 0n ? "" : `,"offset":"${offset}"`,
    textField("symbol", symbol),
    textField("module", module),
  ];
  return `{${fields.join("").slice(1)}}`;
}

export type StackTags = {
  readonly kernel_stack_trace?: number;
  readonly user_stack_trace?: number;
};

/** The same in protobuf, where the message has fields for them. */
export function writeStacks(
  { kernel = [], user = [] }: Stacks,
  { kernel_stack_trace, user_stack_trace }: StackTags,
  out: WireWriter,
): void {
  if (kernel_stack_trace !== undefined) writeStack(kernel_stack_trace, kernel, out);
  if (user_stack_trace !== undefined) writeStack(user_stack_trace, user, out);
}

function writeStack(tag: number, entries: readonly StackEntry[], out: WireWriter): void {
  const { StackTraceEntry } = tags;
  for (const { address = 0n, offset, symbol, module } of entries) {
    const start = out.open(tag);
    out.big(StackTraceEntry.address, address);
    out.big(StackTraceEntry.offset, offset);
    out.text(StackTraceEntry.symbol, symbol);
    out.text(StackTraceEntry.module, module);
    out.close(start);
  }
}
