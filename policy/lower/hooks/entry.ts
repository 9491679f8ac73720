import type { ActionPlace } from "../../actions/kind.ts";
import type { ArgSource, CType } from "../../args/kind.ts";
import type { Returned } from "../../returned.ts";
import type { KprobeSpec } from "../../schema/tracing-policy.ts";
import type { Hook } from "../../selector-set.ts";
import { type Indexes, lowerArgs, typeNamed } from "../args.ts";
import { maxMessageBytes, maxTagBytes } from "../limits.ts";
import type { Report } from "../report.ts";
import { lowerSelector } from "../selector.ts";

/** What entries of every section of hooks have. */
type Entry = Pick<KprobeSpec, "args" | "selectors" | "message" | "tags"> &
  Partial<Pick<KprobeSpec, "data">>;

/** Its fields, whatever the section. */
export const entryFields: readonly string[] = [
  ...(["args", "selectors", "message", "tags"] as const satisfies readonly (keyof Entry)[]),
];

type EntryPlace = {
  readonly at: string;
  /** Where its arguments are read. */
  readonly source: ArgSource;
  /** Types in C of the function's parameters, where only these may be read. */
  readonly parameters?: readonly (CType | undefined)[] | undefined;
  readonly indexes?: Indexes | undefined;
  readonly hasFormat?: boolean;
  readonly noOverride: ActionPlace["noOverride"];
  readonly namespaced: boolean;
  readonly traces?: true;
  readonly hashes?: boolean;
  readonly writes?: boolean;
  /** How what the call returns is read, where it is. */
  readonly returned?: Returned | undefined;
};

/** All of a hook but what it is on. */
export function lowerEntry(report: Report, spec: Entry, place: EntryPlace): Omit<Hook, "on"> {
  const { at, source, parameters, indexes, hasFormat, noOverride, namespaced, returned } = place;
  const { traces, hashes = false, writes = false } = place;
  const table = lowerArgs(report, spec, {
    ...{ at, source, parameters, indexes, hasFormat, namespaced },
  });
  checkMaxData(report, spec, place);
  const selectors = (spec.selectors ?? []).map((selector, i) =>
    lowerSelector(report, selector, {
      ...{ at: `${at}.selectors[${i}]`, table, noOverride, namespaced, returned, hashes, writes },
      ...(traces && { traces }),
    }),
  );
  const reading = returned === undefined ? {} : { returned };
  return { args: table.args, selectors, ...reading, ...lowerDescription(report, spec, at) };
}

/** Whole buffers are read when the event is written, and one has the room. */
function checkMaxData(report: Report, { args = [] }: Entry, { at, returned }: EntryPlace): void {
  const whole = args.flatMap(({ maxData, type }, i) =>
    maxData && typeNamed(type) !== undefined ? [`${at}.args[${i}].maxData`] : [],
  );
  for (const field of whole.slice(1)) {
    const fix = "remove it: an event has room for one whole buffer";
    report.unsupported(field, "is not supported yet for a second argument", fix);
  }
  if (returned === undefined) return;
  for (const field of whole) {
    const fix = "remove it, or return: events that wait for the call to return have 4,095 bytes";
    report.unsupported(field, "is not supported yet with return: true", fix);
  }
}

function lowerDescription(
  report: Report,
  spec: { readonly message?: string; readonly tags?: readonly string[] },
  at: string,
): Pick<Hook, "message" | "tags"> {
  const { message = "", tags = [] } = spec;
  const fix = "write at least 2 characters";
  if (message.length === 1) report.invalid(`${at}.message`, "has one character", fix);
  warnOfCut(report, message, { at: `${at}.message`, bytes: maxMessageBytes });
  tags.forEach((tag, i) => {
    warnOfCut(report, tag, { at: `${at}.tags[${i}]`, bytes: maxTagBytes });
    if (tag.length < 2) report.invalid(`${at}.tags[${i}]`, `has ${tag.length} characters`, fix);
  });
  return {
    ...(message === "" ? {} : { message: cut(message, maxMessageBytes) }),
    ...(tags.length === 0 ? {} : { tags: tags.map((tag) => cut(tag, maxTagBytes)) }),
  };
}

function warnOfCut(
  report: Report,
  text: string,
  { at, bytes }: { readonly at: string; readonly bytes: number },
): void {
  const length = Buffer.byteLength(text);
  if (length <= bytes) return;
  report.warn(at, `has ${length} bytes, and is cut`, `at most ${bytes} are in events`);
}

/** The longest beginning of `text` that fits `bytes` without splitting a character. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  return new TextDecoder().decode(Buffer.from(text).subarray(0, bytes), { stream: true });
}
