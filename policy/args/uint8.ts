import { numberKind } from "./number.ts";

/** The low 8 bits of a register. */
export const uint8 = numberKind({
  aliases: [],
  bits: 8,
  signed: false,
  parameters: ["int", "unsigned int", "unsigned long"],
  samples: ["0", "1", "3", "5", "255"],
});
