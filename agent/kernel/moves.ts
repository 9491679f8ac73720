import { join } from "node:path";
import type { Logger } from "pino";
import type { Move, Moves } from "../engine.ts";
import { enums, layout } from "../gen/layout.ts";
import { read } from "../layout/struct.ts";
import type { Loader } from "./loader.ts";
import type { Native } from "./native.ts";
import { arePinned, attachShared, OpenProgram, sharedPaths } from "./open-program.ts";
import type { Pinned } from "./pinned.ts";
import { u32 } from "./pinned-ids.ts";
import { reuseShared } from "./tracking.ts";

const { MOVES_KEPT } = enums.move_limit;

/** In the order in which they are attached: the second goes by what the first has seen. */
export const movePrograms = ["cgroup_leave", "cgroup_moved"] as const;

/**
 * The programs that notice moves of processes, attached from the beginning on. A kernel that refuses them holds policies as well; they
 * are tried again at each look at what is pinned.
 */
export class MovePrograms {
  readonly #loader: Loader;
  readonly #log: Logger;
  /** Written by `pinned`. */
  #open: readonly OpenProgram[] | undefined;
  /** Why they are not there. Written by `pinned`. */
  #refusal: string | undefined;

  constructor(loader: Loader, log: Logger) {
    this.#loader = loader;
    this.#log = log;
    this.pinned();
  }

  /** What they have pinned, attached now where they are not; nothing where the kernel refuses them. */
  pinned(): readonly Pinned[] {
    try {
      this.#open ??= ensureMoves(this.#loader);
      this.#refusal = undefined;
      return this.#open.flatMap((program) => program.pinned());
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message !== this.#refusal) {
        this.#log.error({ err: error }, "processes that are taken out of their pods go unnoticed");
      }
      this.#refusal = message;
      return [];
    }
  }

  /** What was noted since process tracking was loaded. Throws KernelError. */
  read(): Moves {
    const { native, shared } = this.#loader;
    const noted = readMoves(native, shared.move_state);
    return this.#refusal === undefined ? noted : { ...noted, unseen: this.#refusal };
  }
}

function ensureMoves({ native, pins, objects, shared }: Loader): readonly OpenProgram[] {
  if (!movePrograms.every((name) => arePinned(sharedPaths(pins, name)))) {
    const object = native.openObject(join(objects, "moves.bpf.o"));
    try {
      reuseShared(object, shared);
      object.load();
      for (const name of movePrograms) attachShared(object, pins, { program: name, pin: name });
    } finally {
      object.close();
    }
  }
  return movePrograms.map((name) => OpenProgram.shared(native, pins, name));
}

function readMoves(native: Native, moveState: number): Moves {
  const value = new Uint8Array(layout.move_state.size);
  native.lookup(moveState, u32(0), value);
  const { count, last } = read(value, layout.move_state);
  const kept = Math.min(Number(count), MOVES_KEPT);
  const moves = Array.from({ length: kept }, (_, i): Move => {
    const { name, mover_name, ...move } = last[(Number(count) - kept + i) % MOVES_KEPT]!;
    return { ...move, name: textOf(name), moverName: textOf(mover_name) };
  });
  return { count: Number(count), last: moves };
}

function textOf(bytes: readonly number[]): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.slice(0, end)).toString();
}
