import { enums, layout } from "../gen/layout.ts";
import { argWith, type Written } from "./decode.ts";
import type { HookRecord } from "./kernel-record.ts";

/** Through which addresses a call came, the innermost first. Absent: nobody asked, or nothing is known. */
export type StackAddresses = {
  readonly kernel?: Addresses;
  readonly user?: Addresses;
};

type Addresses = {
  /** Thread group id of the process that called. */
  readonly pid: number;
  readonly addresses: readonly bigint[];
};

const headBytes = layout.stack_payload.size;

/** The stacks of a hook record, which must have no `argsProblem`. */
export function stacksOf(record: HookRecord): StackAddresses {
  const { ARG_KERNEL_STACK, ARG_USER_STACK } = enums.arg_flag;
  const [kernel, user] = [ARG_KERNEL_STACK, ARG_USER_STACK].map((flag) => argWith(record, flag));
  return {
    ...(kernel === undefined ? {} : { kernel: addressesOf(kernel) }),
    ...(user === undefined ? {} : { user: addressesOf(user) }),
  };
}

function addressesOf({ records, start, size }: Written): Addresses {
  const count = Math.floor((size - headBytes) / 8);
  return {
    pid: Number(records.readBigUInt64LE(start)),
    addresses: Array.from({ length: count }, (_, i) =>
      records.readBigUInt64LE(start + headBytes + 8 * i),
    ),
  };
}
