import { numberKind } from "./number.ts";

/** The low 32 bits of a register, signed. */
export const int = numberKind({
  aliases: ["int32", "sint32"],
  cel: "int32",
  bits: 32,
  signed: true,
  parameters: ["int", "unsigned int", "unsigned long"],
  standsFor: "descriptor",
  samples: ["-1", "0", "1", "3", "4", "5"],
});
