import { numberKind } from "./number.ts";

/** The number of a capability. */
export const capability = numberKind({
  aliases: [],
  bits: 32,
  signed: true,
  parameters: [],
  samples: ["0", "1", "3", "4", "5"],
});
