import { numberKind } from "./number.ts";

/** A whole register. */
export const uint64 = numberKind({
  aliases: ["ulong"],
  cel: "uint",
  bits: 64,
  signed: false,
  parameters: ["unsigned long"],
  samples: ["0", "1", "3", "4", "5", "4294967295"],
});
