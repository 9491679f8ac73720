import { numberKind } from "./number.ts";

/** The low 16 bits of a register, signed. */
export const int16 = numberKind({
  aliases: ["sint16"],
  bits: 16,
  signed: true,
  parameters: ["int", "unsigned int", "unsigned long"],
  samples: ["-1", "0", "1", "3", "4", "5"],
});
