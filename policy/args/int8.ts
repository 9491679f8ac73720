import { numberKind } from "./number.ts";

/** The low 8 bits of a register, signed. */
export const int8 = numberKind({
  aliases: ["sint8"],
  bits: 8,
  signed: true,
  parameters: ["int", "unsigned int", "unsigned long"],
  samples: ["-1", "0", "1", "3", "4", "5"],
});
