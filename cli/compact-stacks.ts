import type { EventLine, Json } from "./event-line.ts";
import { quoteIfNeeded } from "./go-quote.ts";
import { type Piece, paint } from "./paint.ts";

type Line = readonly (Piece | string)[];

/** The lines below a kprobe event that carries stack traces, as upstream shows them. */
export function stackLines({ kind, event }: EventLine): readonly Line[] {
  if (kind !== "process_kprobe") return [];
  const kernel = event.list("kernel_stack_trace");
  const user = event.list("user_stack_trace");
  return [
    ...(kernel.length === 0 ? [] : [["Kernel:"], ...kernel.map(kernelFrame)]),
    ...(user.length === 0 ? [] : [["User:"], ...user.map(userFrame)]),
  ];
}

function kernelFrame(frame: Json): Line {
  const { address, symbol, offset } = partsOf(frame);
  return ["   ", address, ": ", symbol, "+", offset];
}

function userFrame(frame: Json): Line {
  const { address, symbol, offset } = partsOf(frame);
  const place = ["(", quoteIfNeeded(frame.text("module")), "+", offset, ")"];
  return ["   ", address, ": ", ...(symbol.text === "" ? [] : [symbol, " "]), ...place];
}

function partsOf(frame: Json) {
  return {
    address: paint.green(hex(frame.text("address"))),
    symbol: paint.blue(quoteIfNeeded(frame.text("symbol"))),
    offset: paint.yellow(hex(frame.text("offset"))),
  };
}

/** A decimal number as text, in hexadecimal. */
function hex(decimal: string): string {
  return `0x${/^\d+$/.test(decimal) ? BigInt(decimal).toString(16) : "0"}`;
}
