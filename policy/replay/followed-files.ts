import { actionsOf, effectOf } from "../actions/index.ts";
import type { Outcome } from "../decide/decide.ts";
import type { HookCall } from "../decide/event.ts";
import { givenAt, type OpenFile, openFile, type Parameter } from "../decide/parameter.ts";
import type { Arg } from "../selector-set.ts";
import type { SetHook } from "./hooks.ts";

type Answer = "yes" | "no" | "untold";

/**
 * Which open files are which. Events have a process and a path in place of an open file: what one
 * process opened under one path is taken for one.
 */
export class FollowedFiles {
  readonly #ids = new Map<string, number>();
  /** By process and number: what was opened there last. */
  readonly #behind = new Map<string, OpenFile>();
  /** By set and file: whether it was followed when it was opened. */
  readonly #answers = new Map<string, Answer>();

  identify(pid: number, file: OpenFile): OpenFile {
    if (file.id !== 0) return file;
    return { ...file, id: this.#idOf(`${pid} ${file.path ?? ""}`) };
  }

  /** One of which nothing is told. */
  some(): { readonly kind: "file"; readonly file: OpenFile } {
    return { kind: "file", file: { id: this.#idOf(`some ${this.#ids.size}`) } };
  }

  /** What a number of a process stands for, as far as that was recorded. */
  behind(pid: number, fd: number): OpenFile {
    const key = `${pid} #${fd}`;
    return this.#behind.get(key) ?? { id: this.#idOf(key) };
  }

  /** The file of one argument of a call. */
  at(arg: Arg, call: HookCall): OpenFile | undefined {
    return openFile(arg, call);
  }

  isFollowed(set: string, file: OpenFile | undefined): Answer {
    return file === undefined ? "untold" : (this.#answers.get(`${file.id} ${set}`) ?? "untold");
  }

  /** Takes what a hook that follows files has decided about one. */
  opened(
    { set, hook }: SetHook,
    call: HookCall,
    outcome: Outcome | { readonly untold: string } | undefined,
  ): void {
    for (const action of actionsOf(hook)) {
      const { follow } = effectOf(action);
      const file = follow === undefined ? undefined : openFile(hook.args[follow]!, call);
      if (file === undefined) continue;
      const answer = outcome === undefined ? "no" : "untold" in outcome ? "untold" : "yes";
      const key = `${file.id} ${set.name}`;
      const before = this.#answers.get(key) ?? answer;
      this.#answers.set(key, before === answer ? answer : "untold");
      const number = "fd" in action ? parameterOf(hook.args[action.fd]!, call) : undefined;
      if (number?.kind !== "number") continue;
      this.#behind.set(`${call.process.pid} #${Number(number.value)}`, file);
    }
  }

  #idOf(key: string): number {
    const id = this.#ids.get(key) ?? this.#ids.size + 1;
    this.#ids.set(key, id);
    return id;
  }
}

function parameterOf(arg: Arg, call: HookCall): Parameter | undefined {
  const { index, given } = givenAt(arg, call);
  return given.parameters[index];
}
