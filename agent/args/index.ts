import type { ArgType } from "@guardbee/policy";
import type { argKinds } from "@guardbee/policy/sets";
import { tags } from "../gen/wire-numbers.ts";
import { textField } from "../json/json-text.ts";
import type { WireWriter } from "../wire/writer.ts";
import { cap_effective } from "./cap_effective.ts";
import { cap_inheritable } from "./cap_inheritable.ts";
import { cap_permitted } from "./cap_permitted.ts";
import { capability } from "./capability.ts";
import { char_buf } from "./char_buf.ts";
import { char_iovec } from "./char_iovec.ts";
import type { ArgCodec, Payload } from "./codec.ts";
import { const_buf } from "./const_buf.ts";
import { cred } from "./cred.ts";
import { data_loc } from "./data_loc.ts";
import { dentry } from "./dentry.ts";
import { error } from "./error.ts";
import { fd } from "./fd.ts";
import { file } from "./file.ts";
import { filename } from "./filename.ts";
import { int } from "./int.ts";
import { int8 } from "./int8.ts";
import { int16 } from "./int16.ts";
import { int64 } from "./int64.ts";
import { iov_iter } from "./iov_iter.ts";
import { kernel_cap_t } from "./kernel_cap_t.ts";
import { kiocb } from "./kiocb.ts";
import { linux_binprm } from "./linux_binprm.ts";
import { load_info } from "./load_info.ts";
import { module } from "./module.ts";
import { net_device } from "./net_device.ts";
import { path } from "./path.ts";
import { size_t } from "./size_t.ts";
import { skb } from "./skb.ts";
import { sock } from "./sock.ts";
import { sockaddr } from "./sockaddr.ts";
import { socket } from "./socket.ts";
import { string } from "./string.ts";
import { uint8 } from "./uint8.ts";
import { uint16 } from "./uint16.ts";
import { uint32 } from "./uint32.ts";
import { uint64 } from "./uint64.ts";
import { user_namespace } from "./user_namespace.ts";

type Facets<Type extends ArgType> = keyof (typeof argKinds)[Type]["facets"] & string;
type CodecOf<Type extends ArgType> = Omit<
  ArgCodec<{ readonly type: Type }, Facets<Type>>,
  "json" | "wire"
> & { json(value: never): string; wire(value: never, out: WireWriter): void };

const argCodecs = {
  int,
  uint32,
  int64,
  uint64,
  size_t,
  int8,
  uint8,
  int16,
  uint16,
  fd,
  file,
  path,
  dentry,
  kiocb,
  linux_binprm,
  char_buf,
  char_iovec,
  iov_iter,
  string,
  filename,
  sock,
  socket,
  sockaddr,
  skb,
  net_device,
  capability,
  kernel_cap_t,
  cap_inheritable,
  cap_permitted,
  cap_effective,
  cred,
  user_namespace,
  module,
  load_info,
  data_loc,
  const_buf,
} satisfies { readonly [Type in ArgType]: CodecOf<Type> };

const codecs = { ...argCodecs, error };
type Codecs = typeof codecs;

/** One argument of a hook, as an event has it. */
export type HookArg = { [Type in keyof Codecs]: ReturnType<Codecs[Type]["decode"]> }[keyof Codecs];

type AnyCodec = ArgCodec<HookArg, string>;
const byCode: readonly (AnyCodec | undefined)[] = Object.values(codecs).reduce<AnyCodec[]>(
  (all, codec) => {
    all[codec.code] = codec as unknown as AnyCodec;
    return all;
  },
  [],
);

/** How arguments of a type are asked of the engine. */
export function argCodec(type: ArgType): AnyCodec {
  return argCodecs[type] as unknown as AnyCodec;
}

/** How many bytes the payload of that enum arg_type has at least; undefined: it is unknown. */
export function leastArgBytes(code: number): number | undefined {
  return byCode[code]?.minBytes;
}

/** The argument of that enum arg_type, which must be known, its payload long enough. */
export function decodeArg(code: number, payload: Payload): HookArg {
  const codec = byCode[code];
  if (codec === undefined) throw new Error(`an argument of type ${code}`);
  return codec.decode(payload);
}

/** The KprobeArguments in upstream's shape (upstream-events-cli.md §1.5): for nearly all types it is one. */
export function argJson(arg: HookArg, label: string | undefined): string {
  const { json, shownAs } = codecOf(arg);
  const several = shownAs?.(arg);
  if (several !== undefined) return several.map((one) => argJson(one, label)).join(",");
  return `{${json(arg)}${textField("label", label)}}`;
}

/** The same in protobuf, as the field `tag`, which may be repeated. */
export function writeArg(
  tag: number,
  { arg, label }: { readonly arg: HookArg; readonly label: string | undefined },
  out: WireWriter,
): void {
  const { wire, shownAs } = codecOf(arg);
  const several = shownAs?.(arg);
  if (several !== undefined) {
    for (const one of several) writeArg(tag, { arg: one, label }, out);
    return;
  }
  const start = out.open(tag);
  wire(arg, out);
  out.text(tags.KprobeArgument.label, label);
  out.close(start);
}

function codecOf({ type }: HookArg): AnyCodec {
  return codecs[type] as unknown as AnyCodec;
}
