import { type Clock, Loop } from "@guardbee/kube";
import type { Logger } from "pino";

export type LossCounts = Readonly<Record<string, number>>;

/**
 * Warns of what was lost since it last looked, by cause: every ten seconds until `signal` aborts, and
 * then once more. `read` gives counts that only grow.
 */
export async function watchLosses(
  { read, clock, log }: { read: () => LossCounts; clock: Clock; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  let before = read();
  const look = () => {
    const now = read();
    const lost = Object.entries(now)
      .map(([cause, count]): [string, number] => [cause, count - (before[cause] ?? 0)])
      .filter(([, count]) => count > 0);
    if (lost.length > 0)
      log.warn({ lost: Object.fromEntries(lost) }, "not everything was reported or kept");
    before = now;
  };
  const step = async () => {
    look();
    return { againInMs: watchMs };
  };
  const failure = "losses cannot be read";
  await new Loop({ step, failure, firstInMs: watchMs, clock, log }).run(signal);
  look();
}

const watchMs = 10_000;
