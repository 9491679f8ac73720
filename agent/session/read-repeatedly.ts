import { isDeepStrictEqual } from "node:util";
import { Loop, type LoopOptions } from "@guardbee/kube";

export type Reading = Pick<LoopOptions, "clock" | "log" | "failure"> & {
  readonly read: () => void;
  /** What a report says of what was read. */
  readonly told: () => unknown;
  /** `told` gives something else than after the last read. */
  readonly onChange: () => void;
  readonly everyMs: number;
};

/** Reads what the kernel has counted every `everyMs` until `signal` aborts. */
export async function readRepeatedly(reading: Reading, signal: AbortSignal): Promise<void> {
  const { read, told, onChange, everyMs, ...loop } = reading;
  let before = told();
  const step = async () => {
    const last = told(); // others read, too: what they read may be over by now
    read();
    const now = told();
    if (!isDeepStrictEqual(before, now) || !isDeepStrictEqual(last, now)) onChange();
    before = now;
    return { againInMs: everyMs };
  };
  await new Loop({ step, firstInMs: everyMs, ...loop }).run(signal);
}
