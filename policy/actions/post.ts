import type { Static } from "typebox";
import type { Report } from "../lower/report.ts";
import type { ActionSpec } from "../schema/action.ts";
import { bool, type Immutable, int32, literal, object, oneOf, optional } from "../schema/dsl.ts";
import { quote } from "../suggest.ts";
import type { ActionKind, ActionPlace } from "./kind.ts";

/** Upstream's, who share what a rate limit lets out, in the order of their codes. */
export const rateLimitScopes = ["thread", "process", "global"] as const;
/** LSM hooks that are asked about a file, and may wait while it is hashed. */
export const hashingHooks = [
  ...(["bprm_check_security", "bprm_committed_creds", "bprm_committing_creds"] as const),
  ...(["bprm_creds_for_exec", "bprm_creds_from_file", "file_open", "file_post_open"] as const),
  ...(["file_ioctl", "file_lock", "file_receive", "mmap_file"] as const),
] as const;
/** Of the kernel, of the process, or of both. */
export const stackKinds = ["kernel", "user", "both"] as const;
/** Upstream counts milliseconds in 32 bits. */
const maxSeconds = 4_294_967;

const schema = object({
  action: literal("Post"),
  /** Of alike calls, for how many seconds only the first is reported; absent: all are. */
  every: optional(int32({ minimum: 1, maximum: maxSeconds })),
  /** Present where `every` is: whose calls are alike. */
  per: optional(oneOf(rateLimitScopes)),
  /** Present: the event says through which functions the call came. */
  stacks: optional(oneOf(stackKinds)),
  /** The event has the hash of the file that the hook is asked about. */
  hashesFile: optional(bool()),
});

export type Post = Immutable<Static<typeof schema>>;

/** Reports the call, which a selector without actions does, too. */
export const post = {
  schema,
  fields: ["rateLimit", "rateLimitScope", "kernelStackTrace", "userStackTrace", "imaHash"],
  stops: false,
  atReturn: true,
  once: ({ every, stacks, hashesFile }) =>
    every !== undefined || stacks !== undefined || hashesFile !== undefined,
  lower(report, spec, { at, whenReturned, traces = false, hashes = false }) {
    const { rateLimit, rateLimitScope } = spec;
    if (!whenReturned) {
      const stacks = lowerStacks(report, spec, { at, traces });
      const hashesFile = lowerHash(report, spec, { at, hashes });
      return {
        ...{ action: "Post", ...lowerRateLimit(report, spec, at) },
        ...(stacks && { stacks }),
        ...(hashesFile && { hashesFile }),
      };
    }
    for (const [field, value] of Object.entries({ rateLimit, rateLimitScope })) {
      const fix =
        "write it in matchActions: it counts what is reported, when the call has returned";
      if (value !== undefined)
        report.unsupported(`${at}.${field}`, "is in matchReturnActions", fix);
    }
    const fix = "write it in matchActions: it is of the moment of the call";
    for (const field of [...askedStacks(spec), ...(spec.imaHash ? ["imaHash"] : [])]) {
      report.invalid(`${at}.${field}`, "is in matchReturnActions", fix);
    }
    return { action: "Post" };
  },
  effect: () => ({}),
  describe({ every, per, stacks, hashesFile }) {
    const limit = every === undefined ? [] : [`alike ones of a ${per} each ${every} s`];
    const shown = stacks === undefined ? [] : [`with ${stackNames[stacks]}`];
    const hash = hashesFile ? ["with the file's hash"] : [];
    const details = [...limit, ...shown, ...hash].join(", ");
    return details === "" ? "Post" : `Post (${details})`;
  },
  samples({ ends, whenReturned, canTrace = false }) {
    if (ends === "unfollow") return [];
    const limited = rateLimitScopes.map((per) => ({ action: "Post", every: 1800, per }) as const);
    const traced = canTrace
      ? stackKinds.map((stacks) => ({ action: "Post", stacks }) as const)
      : [];
    return [{ action: "Post" }, ...(whenReturned ? [] : [...limited, ...traced])];
  },
} satisfies ActionKind<Post>;

const stackNames: Readonly<Record<(typeof stackKinds)[number], string>> = {
  kernel: "the kernel's stack",
  user: "the process's stack",
  both: "both stacks",
};

function lowerHash(
  report: Report,
  spec: ActionSpec,
  { at, hashes }: { readonly at: string; readonly hashes: boolean },
): Post["hashesFile"] {
  if (spec.imaHash !== true) return undefined;
  const fix = `remove it, or hook one of ${hashingHooks.join(", ")} in lsmhooks`;
  if (!hashes) report.invalid(`${at}.imaHash`, "is where the kernel is asked about no file", fix);
  return true;
}

const stackFields = ["kernelStackTrace", "userStackTrace"] as const;

function askedStacks(spec: ActionSpec): readonly (typeof stackFields)[number][] {
  return stackFields.filter((field) => spec[field] === true);
}

function lowerStacks(
  report: Report,
  spec: ActionSpec,
  { at, traces }: { readonly at: string; readonly traces: boolean },
): Post["stacks"] {
  const asked = askedStacks(spec);
  for (const field of traces ? [] : asked) {
    const fix = "remove it, or hook a function in kprobes";
    report.invalid(`${at}.${field}`, "has no field in the events of this kind of hook", fix);
  }
  if (asked.length === 2) return "both";
  return asked[0] === undefined ? undefined : asked[0] === "userStackTrace" ? "user" : "kernel";
}

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
