import type { EventLine, Json } from "./event-line.ts";
import type { Paint } from "./paint.ts";

/** The lines below a kprobe event that carries stack traces, as upstream shows them. */
export function stackLines({ kind, event }: EventLine, paint: Paint): readonly string[] {
  if (kind !== "process_kprobe") return [];
  const kernel = event.list("kernel_stack_trace");
  const user = event.list("user_stack_trace");
  return [
    ...(kernel.length === 0
      ? []
      : ["Kernel:", ...kernel.map((frame) => kernelFrame(frame, paint))]),
    ...(user.length === 0 ? [] : ["User:", ...user.map((frame) => userFrame(frame, paint))]),
  ];
}

function kernelFrame(frame: Json, paint: Paint): string {
  const symbol = `${paint.blue(frame.text("symbol"))}+${paint.yellow(hex(frame.text("offset")))}`;
  return `   ${paint.green(hex(frame.text("address")))}: ${symbol}`;
}

function userFrame(frame: Json, paint: Paint): string {
  const symbol = frame.text("symbol");
  const place = `(${frame.text("module")}+${paint.yellow(hex(frame.text("offset")))})`;
  const named = symbol === "" ? place : `${paint.blue(symbol)} ${place}`;
  return `   ${paint.green(hex(frame.text("address")))}: ${named}`;
}

/** A decimal number as text, in hexadecimal. */
function hex(decimal: string): string {
  return `0x${/^\d+$/.test(decimal) ? BigInt(decimal).toString(16) : "0"}`;
}
