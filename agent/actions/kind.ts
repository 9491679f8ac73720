import type { Action, ActionName } from "@guardbee/policy";

/** The actions of that name. */
export type ActionOf<Name extends ActionName> = Extract<Action, { readonly action: Name }>;

/** How the kernel is told of one action: an entry of `actionCodecs`. */
export type ActionCodec<A extends Action> = {
  /** enum action_code: names it in events, and in the operation that carries it out. */
  readonly code: number;
  /** It is carried out with the event: when the call has returned, where the event waits for that. */
  readonly withEvent?: true;
  /** What `arg` of its operation is; absent or undefined: it does nothing beside the event. */
  arg?(action: A, readings: ReadingNumbers): number | undefined;
  /** What its operation is done to, where `arg` is something else. */
  reading?(action: A, readings: ReadingNumbers): number;
};

/** Numbers of readings of the attach point. */
export type ReadingNumbers = {
  /** Of the hook's argument at a position. */
  ofArg(position: number): number;
};

/** What a log and a metric call a cause of loss: `LOSS_FOLLOW_FULL` is `follow_full`. */
export type CauseName<Code extends string> = Code extends `LOSS_${infer Name}`
  ? Lowercase<Name>
  : never;
