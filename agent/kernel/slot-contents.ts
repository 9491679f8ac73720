import type { BinaryIds } from "../compile/shared.ts";
import type { Binaries } from "./binaries.ts";
import type { Held } from "./held.ts";
import type { Loader } from "./loader.ts";
import type { Native } from "./native.ts";
import { Program } from "./program.ts";
import { SlotChanges } from "./slots.ts";

type ByName = ReadonlyMap<string, Held>;
type Change = { readonly before: ByName; readonly held: ByName };

/** What a slot is to have: the tables of each attach point, and the ids of executables. */
export type SlotContents = {
  readonly held: ByName;
  readonly binaries: Binaries;
  readonly ids: BinaryIds;
};

/**
 * Gives a slot that is not in force what it does not have yet. What fails halfway is done anew the
 * next time. Throws KernelError.
 */
export function fillSlot(
  native: Native,
  slot: number,
  { held, binaries, ids }: SlotContents,
): void {
  try {
    SlotChanges.make(native, (changes) => {
      for (const { program, tables } of held.values()) program.fillSlot(slot, tables, changes);
      binaries.fill(slot, ids, changes);
    });
  } catch (error) {
    binaries.distrust();
    for (const { program } of held.values()) program.distrust();
    throw error;
  }
}

/**
 * Makes what is not in `held` do nothing for a slot that is not in force: once it is, that is not
 * detached yet. `before`: what is in force. Throws KernelError.
 */
export function endLeaving(loader: Loader, slot: number, { before, held }: Change): void {
  for (const [name, { program }] of before) if (!held.has(name)) program.endSlot(slot);
  for (const name of loader.pins.pinnedHooks()) {
    if (!held.has(name) && !before.has(name)) Program.endSlot(loader, name, slot);
  }
}

/**
 * Detaches what was in force before and is not in `held`. A call that sleeps while its file is hashed
 * still comes to such a program: it finds both slots ended. Throws KernelError.
 */
export function detachLeaving(slot: number, { before, held }: Change): void {
  for (const [name, { program }] of before) {
    if (held.has(name)) continue;
    program.endSlot(slot);
    program.detach();
  }
}
