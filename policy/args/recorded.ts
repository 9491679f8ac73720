import type { OpenFile, Parameter } from "../decide/parameter.ts";
import { isRecord } from "../is-record.ts";
import type { RecordedArgument } from "./kind.ts";

/** The number that an argument of an event is. */
export function recordedNumber(argument: RecordedArgument): Parameter | undefined {
  const { int_arg, uint_arg, size_arg, long_arg, capability_arg } = argument;
  const capability = isRecord(capability_arg) ? capability_arg.value : undefined;
  const value = wholeNumber(int_arg ?? uint_arg ?? size_arg ?? long_arg ?? capability);
  return value === undefined ? undefined : { kind: "number", value: BigInt.asUintN(64, value) };
}

/** A number, or the text of one, which is how JSON has those of 64 bits. */
export function wholeNumber(value: unknown): bigint | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === "string" && /^-?[0-9]{1,20}$/.test(value) ? BigInt(value) : undefined;
}

/** The text that an argument is, of which no byte was lost. */
export function recordedText({ string_arg }: RecordedArgument): Uint8Array | undefined {
  return typeof string_arg === "string" ? wholeText(string_arg) : undefined;
}

/** undefined: what is no UTF-8 was replaced in it. */
function wholeText(text: string): Uint8Array | undefined {
  return text.includes("\ufffd") ? undefined : new TextEncoder().encode(text);
}

/** The bytes that an argument is, all of them. */
export function recordedBytes({ bytes_arg }: RecordedArgument): Uint8Array | undefined {
  return typeof bytes_arg === "string" ? Buffer.from(bytes_arg, "base64") : undefined;
}

/** The set of capabilities that an argument is. */
export function recordedBits(argument: RecordedArgument): bigint | undefined {
  const name = Object.keys(argument).find((key) => /^(kernel_)?cap_\w+_arg$/.test(key));
  const digits = name === undefined ? undefined : argument[name];
  if (typeof digits !== "string" || !/^[0-9a-f]{1,16}$/.test(digits)) return undefined;
  return BigInt(`0x${digits}`);
}

/**
 * The file that an argument is; which open one of that path, the event does not tell. undefined where
 * its path is not all there, or may not be its path: who removed it, or what lies in a file's name.
 */
export function recordedFile(argument: RecordedArgument): OpenFile | undefined {
  const file = argument.file_arg ?? argument.path_arg ?? argument.linux_binprm_arg;
  if (!isRecord(file)) return undefined;
  const { path = "", flags = "", permission } = file;
  const format = typeof permission === "string" ? formats[permission.charAt(0)] : undefined;
  if (typeof path !== "string" || flags !== "" || format === undefined) return undefined;
  if (path.includes("\ufffd") || path.endsWith(" (deleted)")) return undefined;
  return { id: 0, ...(path === "" ? {} : { path }), format };
}

/** S_IFMT, by the letter that `ls -l` has for it. */
const formats: Readonly<Record<string, number>> = {
  ...{ p: 0o010000, c: 0o020000, d: 0o040000, b: 0o060000 },
  ...{ "-": 0o100000, l: 0o120000, s: 0o140000 },
};
