import { type BackOff, backOffMs, type Clock, type TurnOwner } from "@guardbee/kube";

/** So many overruns within `strikeMs` break an evaluation. */
const strikesMax = 3;
const strikeMs = 600_000;
/** Until it is tried again, once; twice as long each time that does not help. */
const backOff: BackOff = { firstMs: 60_000, maxMs: 3_600_000 };

type State = {
  /** Of the overruns that count, monotonic. */
  readonly strikesMs: readonly number[];
  /** Times it was broken, or still was when it was tried. */
  readonly breaks: number;
  /** Monotonic; undefined when it is not broken. */
  readonly untilMs: number | undefined;
  /** Whether one evaluation is let through, to see. */
  readonly trying: boolean;
  /** What the last overrun was. */
  readonly what: string;
};

const none: State = { strikesMs: [], breaks: 0, untilMs: undefined, trying: false, what: "" };

/**
 * Remembers which evaluations of one Rego overrun, so that not everything that is judged by it waits for
 * its deadline each time. It breaks by owner of what is judged: a tenant whose policies make a guard
 * rail of the cluster overrun is not to break it for others. New Rego or data has a new breaker.
 */
export class Breaker {
  readonly #clock: Clock;
  /** Written by refusal, overran and succeeded. */
  readonly #states = new Map<TurnOwner, State>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why an evaluation for `owner` is not to be tried; undefined when it is. Then its end is to be told. */
  refusal(owner: TurnOwner): string | undefined {
    const state = this.#states.get(owner);
    if (state?.untilMs === undefined) return undefined;
    if (this.#clock.monotonic() < state.untilMs) return describe(state);
    this.#break(owner, { ...state, trying: true }); // for all but this one
    return undefined;
  }

  /** Whether it is broken, and the evaluation that refusal has just let through is to see. */
  triesAgain(owner: TurnOwner): boolean {
    return this.#states.get(owner)?.trying === true;
  }

  /** True when it is broken from now on. */
  overran(owner: TurnOwner, what: string): boolean {
    const nowMs = this.#clock.monotonic();
    const before = this.#states.get(owner) ?? none;
    const recent = before.strikesMs.filter((at) => nowMs - at < strikeMs);
    const state = {
      ...before,
      what,
      trying: false,
      strikesMs: [...recent, nowMs].slice(-strikesMax),
    };
    if (state.untilMs === undefined && state.strikesMs.length >= strikesMax) {
      this.#break(owner, state);
      return true;
    }
    this.#states.set(owner, state);
    return false;
  }

  /** True when it was broken until now. One that overruns now and then breaks for longer each time. */
  succeeded(owner: TurnOwner): boolean {
    const state = this.#states.get(owner);
    if (state === undefined) return false;
    const lastMs = state.strikesMs.at(-1) ?? 0;
    const long = this.#clock.monotonic() - lastMs >= backOff.maxMs;
    if (state.untilMs === undefined) {
      if (long) this.#states.delete(owner);
      return false;
    }
    if (!state.trying) return false; // it began before the break
    this.#states.set(owner, { ...state, strikesMs: [], untilMs: undefined, trying: false });
    return true;
  }

  /** What to say of it where it is broken for `owners`; undefined when it is for none of them. */
  brokenFor(owners: "any" | TurnOwner): string | undefined {
    const states = owners === "any" ? [...this.#states.values()] : [this.#states.get(owners)];
    const broken = states.find((state) => state?.untilMs !== undefined);
    return broken === undefined ? undefined : describe(broken);
  }

  #break(owner: TurnOwner, state: State): void {
    const breaks = state.breaks + 1;
    const untilMs = this.#clock.monotonic() + backOffMs(breaks, backOff);
    this.#states.set(owner, { ...state, breaks, untilMs });
  }
}

/** The same as long as it is broken, and so a status that does not change. */
function describe({ what }: State): string {
  const times = `overran ${strikesMax} times`;
  return `is broken: it ${times}, and is tried again ever more seldom: ${what}`;
}
