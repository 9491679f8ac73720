import { enums, layout } from "../gen/layout.ts";
import { type Read, read } from "../layout/struct.ts";
import { numberField } from "./address.ts";
import type { ArgCodec } from "./codec.ts";

const { user_namespace_payload } = layout;

type Namespace = Read<typeof user_namespace_payload>;

export const user_namespace = {
  ...{ code: enums.arg_type.ARG_USER_NAMESPACE, parts: {}, isNumber: false },
  minBytes: user_namespace_payload.size,
  decode: ({ records, start }) => ({
    type: "user_namespace",
    ...read(records.subarray(start, start + user_namespace_payload.size), user_namespace_payload),
  }),
  json: (namespace) => `"user_ns_arg":${userNamespaceJson(namespace)}`,
} as const satisfies ArgCodec<{ readonly type: "user_namespace" } & Namespace, never>;

/** In upstream's shape; the outermost one is the host's. */
export function userNamespaceJson({ level, uid, gid, inum }: Namespace): string {
  const ns = numberField("inum", inum) + (level === 0 ? ',"is_host":true' : "");
  return `{"level":${level},"uid":${uid},"gid":${gid},"ns":{${ns.slice(1)}}}`;
}
