import { addressFamilies, type Network, parseNetwork } from "@guardbee/policy/sets";
import { enums } from "../../gen/layout.ts";
import { type Listing, prefixDimension } from "../dims.ts";
import { bitPrefixKey } from "../keys.ts";
import type { Compared, Forms } from "./arg-forms.ts";

/** Networks are prefixes of what address.h writes: the family, then the address, bit by bit. */
export const formsOfAddresses: Forms = {
  kindOf: () => enums.facet_kind.FACET_ARG_ADDRESS,
  compile(asked, dimension) {
    const listings = asked.map(({ bit, conditions }) => ({
      bit,
      conditions: conditions.map((one) => listing(one)),
    }));
    const { entries, ...rows } = prefixDimension(dimension, listings);
    return {
      ...rows,
      prefixes: [...entries].map(([bits, value]) => ({
        ...{ key: bitPrefixKey(dimension.dim, bits), value },
      })),
    };
  },
};

function listing({ operator: { form, negated }, values }: Compared): Listing {
  if (form !== "network") throw new Error(`an address is compared by ${form}`);
  return { negated, values: new Set(values.map((value) => bitsOf(parseNetwork(value)!))) };
}

/** `0` and `1`, as many as a prefix has that the network is. */
function bitsOf({ ip, bits }: Network): string {
  const family = new Uint8Array(4);
  family[0] = ip.length === 4 ? addressFamilies.AF_INET! : addressFamilies.AF_INET6!;
  const all = Array.from([...family, ...ip], (byte) => byte.toString(2).padStart(8, "0")).join("");
  return all.slice(0, 8 * family.length + bits);
}
