import { formatNetwork, isInNetwork, parseNetwork } from "../ip.ts";
import { canonicalTexts } from "../lower/canonical.ts";
import { addressFamilies, protocols, socketStates } from "../net-names.ts";
import { quote, suggest } from "../suggest.ts";
import type { ArgOperator, Span } from "./kind.ts";
import { checkSpan, type ParseSpan, parseMember, within } from "./number-operators.ts";
import { isIn } from "./span.ts";

const u16: Span = { first: 0n, last: 65535n };
const privileged: Span = { first: 0n, last: 1023n };
const portSamples = ["0", "22", "80", "1024", "443:8443", "1000:1100"];

/** The operators on where a packet or a connection comes from. */
export const sourceEnd = {
  SAddr: inNetworks("saddr", false),
  NotSAddr: inNetworks("saddr", true),
  ...{ SPort: port("sport", false), NotSPort: port("sport", true) },
  ...{ SPortPriv: privilegedPort("sport", false), NotSportPriv: privilegedPort("sport", true) },
} as const;

/** The same on where it goes to. */
export const destinationEnd = {
  DAddr: inNetworks("daddr", false),
  NotDAddr: inNetworks("daddr", true),
  ...{ DPort: port("dport", false), NotDPort: port("dport", true) },
  ...{ DPortPriv: privilegedPort("dport", false), NotDPortPriv: privilegedPort("dport", true) },
} as const;

export const Family = named("family", addressFamilies, ["AF_INET", "AF_INET6", "AF_UNIX", "2:10"]);
export const Protocol = named("protocol", protocols, ["IPPROTO_TCP", "IPPROTO_UDP", "1", "6:17"]);
export const State = named("state", socketStates, ["TCP_ESTABLISHED", "TCP_CLOSE", "7:10"]);

function port(facet: string, negated: boolean): ArgOperator<bigint> {
  const its = { facet, holds: u16 };
  return within(its, { negated, parse: parseMember, samples: portSamples });
}

function privilegedPort(facet: string, negated: boolean): ArgOperator<bigint> {
  return {
    ...{ facet, form: "range", negated, takesNone: true, samples: [] },
    spans: () => [privileged],
    parse: () => [],
    lists: (number) => isIn(number, [privileged]),
  };
}

/** A number, a range of them, or a name. */
function named(
  facet: string,
  names: Readonly<Record<string, number>>,
  samples: readonly string[],
): ArgOperator<bigint> {
  const parse: ParseSpan = (report, value, place) => {
    if (/^-?[0-9]/.test(value)) return parseMember(report, value, place);
    const number = Object.hasOwn(names, value) ? names[value] : undefined;
    if (number !== undefined) {
      return checkSpan(report, { first: BigInt(number), last: BigInt(number) }, place);
    }
    const close = suggest(value, Object.keys(names));
    const fix = `write a name such as ${close ?? Object.keys(names)[1]}, or a number`;
    report.invalid(place.at, `is ${quote(value)}`, fix);
    return undefined;
  };
  return within({ facet, holds: u16 }, { negated: false, parse, samples });
}

function inNetworks(facet: string, negated: boolean): ArgOperator<Uint8Array> {
  return {
    ...{ facet, form: "network", negated },
    samples: [
      "127.0.0.1",
      "10.0.0.0/8",
      "10.1.2.3/31",
      "::1",
      "2001:db8::/32",
      "::ffff:10.1.0.0/112",
    ],
    parse: (report, values, { at }) => {
      const networks = values.flatMap((value, i) => {
        const network = parseNetwork(value);
        if (network !== undefined) return [formatNetwork(network)];
        const fix = "write an address or a network: 10.0.0.0/8, 2001:db8::/32";
        report.invalid(`${at}[${i}]`, `is ${quote(value)}`, fix);
        return [];
      });
      return canonicalTexts(networks);
    },
    lists: (ip, values) => values.some((value) => isInNetwork(ip, parseNetwork(value)!)),
  };
}
