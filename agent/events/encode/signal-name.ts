import { constants } from "node:os";

/** `SIGKILL` for 9; empty for 0 and for signals without a name (real-time ones), as upstream. */
export function signalName(signal: number): string {
  return names.get(signal) ?? "";
}

/** Where two names share a number the first one stands: SIGABRT before SIGIOT, SIGIO before SIGPOLL. */
const names: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, signal]) => [signal, name]),
);
