import { numberKind } from "./number.ts";

/** The low 16 bits of a register. */
export const uint16 = numberKind({
  aliases: [],
  bits: 16,
  signed: false,
  parameters: ["int", "unsigned int", "unsigned long"],
  samples: ["0", "1", "3", "5", "65535"],
});
