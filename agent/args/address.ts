import { addressFamilies, formatIp, namesOf } from "@guardbee/policy/sets";
import { enums } from "../gen/layout.ts";

const {
  END_FAMILY,
  END_TYPE,
  END_PROTOCOL,
  END_STATE,
  END_SPORT,
  END_DPORT,
  END_SADDR,
  END_DADDR,
} = enums.end_part;

/** What can be compared of sockets, packets and addresses. */
export const endParts = {
  ...{ family: END_FAMILY, type: END_TYPE, protocol: END_PROTOCOL, state: END_STATE },
  ...{ sport: END_SPORT, dport: END_DPORT, saddr: END_SADDR, daddr: END_DADDR },
} as const;

export const familyName = namesOf(addressFamilies);

const [inet, inet6] = [addressFamilies.AF_INET, addressFamilies.AF_INET6];

/** The address in 16 bytes of a payload; as upstream, a text that says it where the family has none. */
export function addressText(bytes: readonly number[], family: number): string {
  if (family === inet) return formatIp(Uint8Array.from(bytes.slice(0, 4)));
  return family === inet6 ? formatIp(Uint8Array.from(bytes)) : "invalid IP";
}

/** `,"key":1`, or nothing for 0. */
export function numberField(key: string, value: number): string {
  return value === 0 ? "" : `,"${key}":${value}`;
}
