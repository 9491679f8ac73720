import { enums, layout } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { type Read, read } from "../layout/struct.ts";
import type { WireWriter } from "../wire/writer.ts";
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
  wire: (namespace, out) => writeUserNamespace(tags.KprobeArgument.user_ns_arg, namespace, out),
} as const satisfies ArgCodec<{ readonly type: "user_namespace" } & Namespace, never>;

/** In upstream's shape; the outermost one is the host's. */
export function userNamespaceJson({ level, uid, gid, inum }: Namespace): string {
  const ns = numberField("inum", inum) + (level === 0 ? ',"is_host":true' : "");
  return `{"level":${level},"uid":${uid},"gid":${gid},"ns":{${ns.slice(1)}}}`;
}

/** The same in protobuf, as the field `tag`. */
export function writeUserNamespace(tag: number, value: Namespace, out: WireWriter): void {
  const start = out.open(tag);
  out.wrapped(tags.UserNamespace.level, value.level);
  out.wrapped(tags.UserNamespace.uid, value.uid);
  out.wrapped(tags.UserNamespace.gid, value.gid);
  const ns = out.open(tags.UserNamespace.ns);
  out.uint(tags.Namespace.inum, value.inum);
  out.bool(tags.Namespace.is_host, value.level === 0);
  out.close(ns);
  out.close(start);
}
