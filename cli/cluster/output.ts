import type { Io } from "../command.ts";
import { yamlText } from "../yaml-text.ts";

export type OutputFormat = "json" | "yaml";

/** Writes a result: for machines when a format was asked for, else as `format` shows it. */
export function printReport(
  report: object,
  output: OutputFormat | undefined,
  io: Io,
  format: (columns: number | undefined) => string,
): void {
  switch (output) {
    case "json":
      io.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
      break;
    case "yaml":
      io.stdout.write(yamlText(report));
      break;
    case undefined:
      io.stdout.write(format(io.stdoutColumns));
  }
}
