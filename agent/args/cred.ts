import { enums, layout } from "../gen/layout.ts";
import { SecureBitsType, tags } from "../gen/wire-numbers.ts";
import { type Read, read } from "../layout/struct.ts";
import type { ArgCodec } from "./codec.ts";
import { bitsIn, capabilitiesIn, securebitsIn } from "./credentials.ts";
import { userNamespaceJson, writeUserNamespace } from "./user_namespace.ts";

const { cred_payload } = layout;

const fields = tags.ProcessCredentials;
const idNames = ["uid", "gid", "euid", "egid", "suid", "sgid", "fsuid", "fsgid"] as const;

type Cred = { readonly type: "cred" } & Read<typeof cred_payload>;

export const cred = {
  ...{ code: enums.arg_type.ARG_CRED, parts: {}, isNumber: false, minBytes: cred_payload.size },
  decode: ({ records, start }) => ({
    ...{ type: "cred", ...read(records.subarray(start, start + cred_payload.size), cred_payload) },
  }),
  json: (cred) => {
    const ids = idNames.map((name) => `"${name}":${cred[name]}`);
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
  wire(cred, out) {
    const start = out.open(tags.KprobeArgument.process_credentials_arg);
    for (const name of idNames) out.wrapped(fields[name], cred[name]);
    out.list(
      fields.securebits,
      securebitsIn(cred.securebits).map((word) => SecureBitsType[word]),
    );
    const caps = out.open(fields.caps);
    for (const name of ["permitted", "effective", "inheritable"] as const) {
      out.list(tags.Capabilities[name], bitsIn(cred[name]));
    }
    out.close(caps);
    writeUserNamespace(fields.user_ns, cred.user_ns, out);
    out.close(start);
  },
} as const satisfies ArgCodec<Cred, never>;

function listField(name: string, words: readonly string[]): readonly string[] {
  return words.length === 0 ? [] : [`"${name}":${JSON.stringify(words)}`];
}
