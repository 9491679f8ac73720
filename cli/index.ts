export { type Command, type ExitCode, exit, type Io, UsageError } from "./command.ts";
export { type CompactOptions, formatCompact } from "./compact.ts";
export { type EventLine, parseEventLine } from "./event-line.ts";
export { runCli } from "./run-cli.ts";
