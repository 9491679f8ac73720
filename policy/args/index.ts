import type { Static } from "typebox";
import { type Given, givenAt } from "../decide/parameter.ts";
import { maxFieldIndex } from "../lower/limits.ts";
import { bool, flag, type Immutable, int32, object, oneOf, optional, text } from "../schema/dsl.ts";
import type { UpstreamArgType } from "../schema/vocabulary.ts";
import { cap_effective } from "./cap_effective.ts";
import { cap_inheritable } from "./cap_inheritable.ts";
import { cap_permitted } from "./cap_permitted.ts";
import { capability } from "./capability.ts";
import { char_buf } from "./char_buf.ts";
import { char_iovec } from "./char_iovec.ts";
import { const_buf } from "./const_buf.ts";
import { cred } from "./cred.ts";
import { data_loc } from "./data_loc.ts";
import { dentry } from "./dentry.ts";
import { fd } from "./fd.ts";
import { file } from "./file.ts";
import { filename } from "./filename.ts";
import { int } from "./int.ts";
import { int8 } from "./int8.ts";
import { int16 } from "./int16.ts";
import { int64 } from "./int64.ts";
import { iov_iter } from "./iov_iter.ts";
import { kernel_cap_t } from "./kernel_cap_t.ts";
import { type ArgKind, type ArgOperator, type MaybeReading, ownArgOperators } from "./kind.ts";
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

/** The types of arguments that this version reads. Messages list them in this order. */
export const argKinds = {
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
} satisfies Partial<Record<UpstreamArgType, ArgKind>>;

export type ArgType = keyof typeof argKinds;

/** An operator of some type. */
export type ArgOperatorName = {
  [Type in ArgType]: keyof (typeof argKinds)[Type]["operators"];
}[ArgType];

/** From where a path may lead, beside parameters: the task that makes the call, and its registers. */
export const pathSources = ["current_task", "pt_regs"] as const;

export const argTypes = Object.keys(argKinds) as readonly ArgType[];

export const arg = object({
  /** Position in the call's own parameters, or in the fields of a tracepoint, from 0. */
  index: int32({ minimum: 0, maximum: maxFieldIndex }),
  /** Aliases (int32, sint64, ulong...) are lowered to these. */
  type: oneOf(argTypes),
  /** In place of `type`, the node takes what the format file of the tracepoint says. */
  byFormat: optional(bool()),
  label: optional(text()),
  /** Which parameter of the call, counted from 1, holds its length in bytes, or in parts. */
  sizeArgIndex: optional(int32({ minimum: 1, maximum: maxFieldIndex + 1 })),
  /** Read the bytes when the call returns; their count is the return value. */
  returnCopy: flag(),
  /** Events have up to 327,360 of its bytes; absent: 4,095. */
  maxData: flag(),
  /** Not the parameter is read, but what this path of members leads to from there (`mm.owner.comm`). */
  resolve: optional(text()),
  /** It leads from there, and `index` means nothing; of `pt_regs`, it is a register. */
  source: optional(oneOf(pathSources)),
  /** The struct that it leads from; absent: what the kernel says that the parameter points to. */
  btfType: optional(text()),
  /** The module that has this struct; absent: the kernel itself. */
  btfTypeModule: optional(text()),
  /** Events have it apart from what the call handed over. */
  isData: flag(),
});

/** One value that a hook reads of its calls. */
export type Arg = Immutable<Static<typeof arg>>;

/** Every operator that some type has. */
export const argOperatorNames = [
  ...new Set(argTypes.flatMap((type) => allOperatorNamesOf(type))),
] as readonly ArgOperatorName[];

/** The operators of `type` that a policy may write in matchArgs. */
export function operatorNamesOf(type: ArgType): readonly string[] {
  return allOperatorNamesOf(type).filter((name) => !ownArgOperators.some((own) => own === name));
}

function allOperatorNamesOf(type: ArgType): readonly string[] {
  return Object.keys(argKinds[type].operators);
}

/** How `type` compares with that operator; undefined: it does not. */
export function argOperator(type: ArgType, name: string): ArgOperator | undefined {
  const operators: Readonly<Record<string, ArgOperator>> = argKinds[type].operators;
  return Object.hasOwn(operators, name) ? operators[name] : undefined;
}

/** Everything that the language knows of `type`. */
export function argKind(type: ArgType): ArgKind {
  return argKinds[type];
}

/** The types of which that is true. */
export function argTypesWhere(is: (kind: ArgKind) => boolean): readonly ArgType[] {
  return argTypes.filter((type) => is(argKind(type)));
}

/** What a hook reads for `arg`. */
export function readArg(arg: Arg, call: Given): MaybeReading {
  if (isUnread(arg, call)) return "unknown";
  const { index, given } = givenAt(arg, call);
  return argKind(arg.type).read(index, given);
}

/** Whether nobody can tell what a parameter is that `arg` needs. */
export function isUnread(arg: Arg, call: Given): boolean {
  const { index, given } = givenAt(arg, call);
  const { sizeArgIndex = 0 } = arg;
  return [index, sizeArgIndex - 1].some((one) => given.parameters[one]?.kind === "unread");
}
