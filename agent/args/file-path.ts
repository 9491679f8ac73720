import { enums, layout } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { textField } from "../json/json-text.ts";
import { offsetsOf } from "../layout/struct.ts";
import type { WireWriter } from "../wire/writer.ts";
import type { ArgCodec, Payload } from "./codec.ts";

const headBytes = layout.path_payload.size;
const { mode: modeAt } = offsetsOf(layout.path_payload).u32;
const { ARG_CUT, ARG_DELETED } = enums.arg_flag;

/** A file, as an event has it. */
export type FileValue<Type extends string> = {
  readonly type: Type;
  /** i_mode; 0 when it was not read. */
  readonly mode: number;
  readonly path: string;
  /** The path lost its head. */
  readonly cut: boolean;
  readonly deleted: boolean;
};

type Member = "file_arg" | "path_arg" | "linux_binprm_arg";

/**
 * The codec of what leads to a file: its payload is i_mode, then the path. `member`: its name in JSON.
 * `inPlace`: as in ArgCodec.
 */
export function pathCodec<Type extends string>(
  type: Type,
  code: number,
  { member = "file_arg", inPlace }: { readonly member?: Member; readonly inPlace?: string } = {},
) {
  return {
    ...(inPlace === undefined ? {} : { inPlace }),
    ...{ code, parts: { path: 0, format: 0 }, isNumber: false, minBytes: headBytes },
    decode: ({ records, start, size, flags }: Payload) => ({
      type,
      mode: records.readUInt32LE(start + modeAt),
      path: records.toString("utf8", start + headBytes, start + size),
      cut: (flags & ARG_CUT) !== 0,
      deleted: (flags & ARG_DELETED) !== 0,
    }),
    json: (file: FileValue<Type>) => `"${member}":${fileJson(file)}`,
    wire: (file: FileValue<Type>, out: WireWriter) => {
      // The three messages have the same fields but for the mount, which is of no use.
      const fields = member === "linux_binprm_arg" ? tags.KprobeLinuxBinprm : tags.KprobeFile;
      const start = out.open(tags.KprobeArgument[member]);
      out.text(fields.path, pathOf(file));
      out.text(fields.flags, flagsOf(file));
      out.text(fields.permission, permissionOf(file));
      out.close(start);
    },
  } as const satisfies ArgCodec<FileValue<Type>, "path" | "format">;
}

function fileJson(file: FileValue<string>): string {
  const fields = [
    textField("path", pathOf(file)),
    textField("flags", flagsOf(file)),
    textField("permission", permissionOf(file)),
  ].join("");
  return `{${fields.slice(1)}}`;
}

function pathOf({ path, deleted }: FileValue<string>): string {
  return deleted ? `${path} (deleted)` : path;
}

function flagsOf({ cut }: FileValue<string>): string {
  return cut ? "unresolvedPathComponents" : "";
}

function permissionOf({ mode }: FileValue<string>): string {
  return mode === 0 ? "" : formatMode(mode);
}

/** i_mode as `ls -l` shows it, in 10 characters. */
function formatMode(mode: number): string {
  const type = fileTypes[(mode >> 12) & 0xf] ?? "?";
  const bits = [8, 7, 6, 5, 4, 3, 2, 1, 0].map((bit, i) =>
    (mode & (1 << bit)) === 0 ? "-" : "rwx".charAt(i % 3),
  );
  const special = (at: number, bit: number, letter: string) => {
    if ((mode & bit) !== 0) bits[at] = bits[at] === "x" ? letter : letter.toUpperCase();
  };
  special(2, 0o4000, "s");
  special(5, 0o2000, "s");
  special(8, 0o1000, "t");
  return type + bits.join("");
}

/** By S_IFMT >> 12. */
const fileTypes: Readonly<Record<number, string>> = {
  1: "p",
  2: "c",
  4: "d",
  6: "b",
  8: "-",
  10: "l",
  12: "s",
};
