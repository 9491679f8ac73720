// The operator as a process of its own, started by child.ts.
import pino from "pino";
import { runOperator } from "../../operator/main.ts";
import { connectAs } from "./connect.ts";
import type { OperatorOrder } from "./messages.ts";

process.once("message", async (order: OperatorOrder) => {
  const { identity, opa } = order;
  const connection = connectAs(order, identity);
  const log = pino({ level: process.env.LOG_LEVEL ?? "warn" }, process.stderr);
  await runOperator({ connection, identity, opa, log }, new AbortController().signal);
});
process.once("disconnect", () => process.exit());
