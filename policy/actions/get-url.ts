import type { Static } from "typebox";
import { type Immutable, literal, object, text } from "../schema/dsl.ts";
import { quote } from "../suggest.ts";
import type { ActionKind } from "./kind.ts";

const schema = object({ action: literal("GetUrl"), url: text() });

export type GetUrl = Immutable<Static<typeof schema>>;

const sample = "http://trap.example.org/";

/** Has the agent fetch an address when it gets the event: a canary that is touched, told elsewhere. */
export const getUrl = {
  schema,
  fields: ["argUrl"],
  stops: false,
  atReturn: true,
  ofCluster: true,
  lower: (report, { argUrl = "" }, { at }) => {
    const url = URL.parse(argUrl);
    if (url !== null && /^https?:$/.test(url.protocol) && url.username + url.password === "") {
      return { action: "GetUrl", url: url.href };
    }
    const fix = `write http:// or https:// and a host, without a password: ${sample}`;
    const what = argUrl === "" ? "is missing" : `is ${quote(argUrl)}`;
    report.invalid(`${at}.argUrl`, what, fix);
    return undefined;
  },
  effect: ({ url }) => ({ request: { kind: "url", url } }),
  describe: ({ url }) => `GetUrl ${url}`,
  samples: () => [{ action: "GetUrl", url: sample }],
} satisfies ActionKind<GetUrl>;
