import type { Static } from "typebox";
import type { Report } from "../lower/report.ts";
import type { ActionSpec } from "../schema/action.ts";
import { type Immutable, int32, literal, object, oneOf, optional } from "../schema/dsl.ts";
import { quote } from "../suggest.ts";
import type { ActionKind, ActionPlace } from "./kind.ts";

/** Upstream's, who share what a rate limit lets out, in the order of their codes. */
export const rateLimitScopes = ["thread", "process", "global"] as const;
/** Upstream counts milliseconds in 32 bits. */
const maxSeconds = 4_294_967;

const schema = object({
  action: literal("Post"),
  /** Of alike calls, for how many seconds only the first is reported; absent: all are. */
  every: optional(int32({ minimum: 1, maximum: maxSeconds })),
  /** Present where `every` is: whose calls are alike. */
  per: optional(oneOf(rateLimitScopes)),
});

export type Post = Immutable<Static<typeof schema>>;

/** Reports the call, which a selector without actions does, too. */
export const post = {
  schema,
  fields: ["rateLimit", "rateLimitScope"],
  stops: false,
  atReturn: true,
  once: ({ every }) => every !== undefined,
  lower(report, spec, { at, whenReturned }) {
    const { rateLimit, rateLimitScope } = spec;
    if (!whenReturned) return { action: "Post", ...lowerRateLimit(report, spec, at) };
    for (const [field, value] of Object.entries({ rateLimit, rateLimitScope })) {
      const fix =
        "write it in matchActions: it counts what is reported, when the call has returned";
      if (value !== undefined)
        report.unsupported(`${at}.${field}`, "is in matchReturnActions", fix);
    }
    return { action: "Post" };
  },
  effect: () => ({}),
  describe: ({ every, per }) =>
    every === undefined ? "Post" : `Post (alike ones of a ${per} each ${every} s)`,
  samples({ ends, whenReturned }) {
    if (ends === "unfollow") return [];
    const limited = rateLimitScopes.map((per) => ({ action: "Post", every: 1800, per }) as const);
    return [{ action: "Post" }, ...(whenReturned ? [] : limited)];
  },
} satisfies ActionKind<Post>;

function lowerRateLimit(
  report: Report,
  { rateLimit = "", rateLimitScope = "" }: ActionSpec,
  at: ActionPlace["at"],
): Pick<Post, "every" | "per"> {
  const per = rateLimitScopes.find((one) => one === (rateLimitScope.toLowerCase() || "thread"));
  if (per === undefined) {
    const fix = `allowed: ${rateLimitScopes.join(", ")}`;
    report.invalid(`${at}.rateLimitScope`, `is ${quote(rateLimitScope)}`, fix);
  }
  if (rateLimit === "") {
    const fix = "add rateLimit, or remove it";
    if (rateLimitScope !== "") report.invalid(`${at}.rateLimitScope`, "has no rateLimit", fix);
    return {};
  }
  const every = secondsIn(report, rateLimit, `${at}.rateLimit`);
  return every === undefined || per === undefined ? {} : { every, per };
}

const units: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600 };

function secondsIn(report: Report, text: string, at: string): number | undefined {
  const [, number, unit = ""] = /^([0-9]+)([smh]?)$/i.exec(text) ?? [];
  if (number === undefined) {
    report.invalid(at, `is ${quote(text)}`, "write whole seconds, minutes or hours: 30s, 5m, 1h");
    return undefined;
  }
  const seconds = Number(number) * units[unit.toLowerCase()]!;
  if (seconds === 0) report.warn(at, `is ${text}, which limits nothing`, "remove it");
  if (seconds <= maxSeconds) return seconds === 0 ? undefined : seconds;
  report.warn(at, `is ${text}, and counts as ${maxSeconds}s`, "that is the longest");
  return maxSeconds;
}
