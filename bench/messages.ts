import type { Machine, Scenario } from "./keys.ts";

/** What a measurement tells; a guest prints each as a line of JSON, and the rest is for people. */
export type Message =
  | {
      readonly value: string;
      readonly number: number;
      readonly floor?: number;
      /** Of the fleet that was measured. */
      readonly nodes?: number;
      readonly method: string;
    }
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
