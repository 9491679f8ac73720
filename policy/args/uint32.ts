import { numberKind } from "./number.ts";

/** The low 32 bits of a register. */
export const uint32 = numberKind({
  aliases: [],
  cel: "uint32",
  bits: 32,
  signed: false,
  parameters: ["int", "unsigned int", "unsigned long"],
  standsFor: "descriptor",
  samples: ["0", "1", "3", "4", "5", "4294967295"],
});
