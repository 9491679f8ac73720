import { capabilityName } from "@guardbee/policy/sets";
import { enums, layout } from "../gen/layout.ts";
import { type Read, read } from "../layout/struct.ts";
import type { ArgCodec } from "./codec.ts";
import { userNamespaceJson } from "./user_namespace.ts";

const { cred_payload } = layout;

type Cred = { readonly type: "cred" } & Read<typeof cred_payload>;

export const cred = {
  ...{ code: enums.arg_type.ARG_CRED, parts: {}, isNumber: false, minBytes: cred_payload.size },
  decode: ({ records, start }) => ({
    ...{ type: "cred", ...read(records.subarray(start, start + cred_payload.size), cred_payload) },
  }),
  json: (cred) => {
    const ids = (["uid", "gid", "euid", "egid", "suid", "sgid", "fsuid", "fsgid"] as const).map(
      (name) => `"${name}":${cred[name]}`,
    );
    const caps = [
      ...listField("permitted", capabilitiesIn(cred.permitted)),
      ...listField("effective", capabilitiesIn(cred.effective)),
      ...listField("inheritable", capabilitiesIn(cred.inheritable)),
    ];
    const fields = [
      ...ids,
      ...listField("securebits", securebitsIn(cred.securebits)),
      `"caps":{${caps.join(",")}}`,
      `"user_ns":${userNamespaceJson(cred.user_ns)}`,
    ];
    return `"process_credentials_arg":{${fields.join(",")}}`;
  },
} as const satisfies ArgCodec<Cred, never>;

function listField(name: string, words: readonly string[]): readonly string[] {
  return words.length === 0 ? [] : [`"${name}":${JSON.stringify(words)}`];
}

function capabilitiesIn(bits: bigint): readonly string[] {
  return Array.from({ length: 64 }, (_, bit) => bit).flatMap((bit) =>
    (bits >> BigInt(bit)) & 1n ? (capabilityName(bit) ?? []) : [],
  );
}

/** By bit. */
const securebits = [
  ...["SecBitNoRoot", "SecBitNoRootLocked", "SecBitNoSetUidFixup", "SecBitNoSetUidFixupLocked"],
  ...["SecBitKeepCaps", "SecBitKeepCapsLocked", "SecBitNoCapAmbientRaise"],
  "SecBitNoCapAmbientRaiseLocked",
];

function securebitsIn(bits: number): readonly string[] {
  return securebits.filter((_, bit) => (bits & (1 << bit)) !== 0);
}
