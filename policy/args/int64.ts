import { numberKind } from "./number.ts";

/** A whole register, signed. */
export const int64 = numberKind({
  aliases: ["sint64", "long"],
  cel: "int",
  bits: 64,
  signed: true,
  parameters: ["unsigned long"],
  samples: ["0", "1", "3", "4", "5", "4294967295"],
});
