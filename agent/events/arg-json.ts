import { getSystemErrorName } from "node:util";
import { textField } from "../json/json-text.ts";
import type { HookArg } from "../records/kernel-record.ts";

/** One KprobeArgument in upstream's shape (upstream-events-cli.md §1.5). */
export function argJson(arg: HookArg, label: string | undefined): string {
  return `{${valueJson(arg)}${textField("label", label)}}`;
}

function valueJson(arg: HookArg): string {
  switch (arg.type) {
    case "int":
      return `"int_arg":${arg.value}`;
    case "uint32":
      return `"uint_arg":${arg.value}`;
    case "int64":
      return `"long_arg":"${arg.value}"`;
    case "uint64":
    case "size_t":
      return `"size_arg":"${arg.value}"`;
    case "fd":
    case "file":
      return `"file_arg":${fileJson(arg)}`;
    case "char_buf": {
      const bytes = arg.bytes.toString("base64");
      if (arg.length === arg.bytes.length) return `"bytes_arg":"${bytes}"`;
      const read = bytes === "" ? "" : `"bytes_arg":"${bytes}",`;
      return `"truncated_bytes_arg":{${read}"orig_size":"${arg.length}"}`;
    }
    case "error":
      return `"error_arg":{"Message":"argument could not be read: ${errnoName(arg.errno)}"}`;
  }
}

function fileJson(arg: Extract<HookArg, { readonly type: "file" | "fd" }>): string {
  const path = arg.deleted ? `${arg.path} (deleted)` : arg.path;
  const fields = [
    textField("path", path),
    textField("flags", arg.cut ? "unresolvedPathComponents" : ""),
    textField("permission", arg.mode === 0 ? "" : formatMode(arg.mode)),
  ].join("");
  return `{${fields.slice(1)}}`;
}

/** i_mode as `ls -l` shows it, in 10 characters. */
export function formatMode(mode: number): string {
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

/** `EFAULT`, or the number where Node knows no name. */
function errnoName(errno: number): string {
  if (errno < 1 || errno > 4095) return `errno ${errno}`;
  return getSystemErrorName(-errno);
}
