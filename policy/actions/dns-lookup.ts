import type { Static } from "typebox";
import { type Immutable, literal, object, text } from "../schema/dsl.ts";
import { quote } from "../suggest.ts";
import type { ActionKind } from "./kind.ts";

const schema = object({ action: literal("DnsLookup"), fqdn: text() });

export type DnsLookup = Immutable<Static<typeof schema>>;

const sample = "trap.example.org";
const label = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?";
const name = new RegExp(`^${label}(\\.${label})*\\.?$`, "i");

/** Has the agent ask for the addresses of a name when it gets the event: a DNS canary. */
export const dnsLookup = {
  schema,
  fields: ["argFqdn"],
  stops: false,
  atReturn: true,
  ofCluster: true,
  lower: (report, { argFqdn = "" }, { at }) => {
    if (argFqdn.length <= 254 && name.test(argFqdn)) {
      return { action: "DnsLookup", fqdn: argFqdn.toLowerCase().replace(/\.$/, "") };
    }
    const what = argFqdn === "" ? "is missing" : `is ${quote(argFqdn)}`;
    report.invalid(`${at}.argFqdn`, what, `write a name such as ${sample}`);
    return undefined;
  },
  effect: ({ fqdn }) => ({ request: { kind: "name", fqdn } }),
  describe: ({ fqdn }) => `DnsLookup ${fqdn}`,
  samples: () => [{ action: "DnsLookup", fqdn: sample }],
} satisfies ActionKind<DnsLookup>;
