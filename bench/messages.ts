import type { Machine, Scenario } from "./keys.ts";

/** What the guest prints, a JSON line each; everything else it prints is for people. */
export type Message =
  | { readonly value: string; readonly number: number; readonly floor?: number; method: string }
  | { readonly progress: string };

/** What the guest's `main.ts` is given as its one argument, in JSON. */
export type Order = {
  readonly machine: Machine;
  readonly scenarios: readonly Scenario[];
};

const prefix = "@bench ";

/** The line that carries `message`. */
export function encodeMessage(message: Message): string {
  return `${prefix}${JSON.stringify(message)}`;
}

/** The message in a line of the guest's output, or undefined when it is not one. */
export function decodeMessage(line: string): Message | undefined {
  if (!line.startsWith(prefix)) return undefined;
  return JSON.parse(line.slice(prefix.length)) as Message; // our own guest/main.ts wrote it
}
