import { parseNumber } from "../../args/number-operators.ts";
import { describeFilePlace } from "../../file-place.ts";
import type { HookPointOf } from "../../hook-point.ts";
import type { TracingPolicySpec } from "../../schema/tracing-policy.ts";
import type { Hook } from "../../selector-set.ts";
import { quote } from "../../suggest.ts";
import { lowerDigests } from "../digests.ts";
import { checkFilePath } from "../path.ts";
import { type Report, refuseOthers } from "../report.ts";
import { entryFields, lowerEntry } from "./entry.ts";
import type { HookKind, HookPlace } from "./kind.ts";

type UprobePoint = HookPointOf<"uprobe">;
type UprobeSpec = NonNullable<TracingPolicySpec["uprobes"]>[number];

/** Places in programs and libraries, before what is there runs. */
export const uprobe = {
  policy: "TracingPolicy",
  section: "uprobes",
  lower,
  whyNoOverride: () => undefined,
  describe: describeFilePlace,
} satisfies HookKind<UprobePoint>;

const addressings = ["symbols", "offsets", "addrs"] as const;

/** One hook for each place. */
function lower(report: Report, spec: UprobeSpec, { at, namespaced }: HookPlace): readonly Hook[] {
  refuseOthers(report, spec, {
    at,
    known: [
      ...addressings,
      "data",
      "path",
      "refCtrOffsets",
      "binaryDigests",
      "ignore",
      ...entryFields,
    ],
  });
  if (namespaced) {
    const fix = "use the kind without Namespaced: a library's function is every pod's that has it";
    report.invalid(at, "hooks a program, which is not for policies of one namespace", fix);
  }
  spec.args?.forEach(({ returnCopy }, i) => {
    if (!returnCopy) return;
    const fix = "remove it: what is there is read before the function runs";
    report.unsupported(`${at}.args[${i}].returnCopy`, "is not supported yet", fix);
  });
  if (spec.ignore?.digestVerificationFailure === true) {
    const fix = "remove it: a node whose file has none of the digests then says so in the status";
    report.unsupported(`${at}.ignore.digestVerificationFailure`, "is not supported yet", fix);
  }
  checkFilePath(report, spec.path, `${at}.path`);
  const digests = lowerDigests(report, spec.binaryDigests ?? [], `${at}.binaryDigests`);
  const entry = lowerEntry(report, spec, {
    ...{ at, source: "program's function", namespaced, noOverride: undefined },
  });
  return lowerPlaces(report, spec, at).map((place) => ({
    on: { kind: "uprobe", path: spec.path, ...place, ...(digests === "" ? {} : { digests }) },
    ...entry,
  }));
}

type PlaceInFile = Pick<UprobePoint, "symbol" | "offset" | "address" | "refCtrOffset">;

/** What the entry is on, each once. */
function lowerPlaces(report: Report, spec: UprobeSpec, at: string): readonly PlaceInFile[] {
  const places = [
    ...(spec.symbols ?? []).map((symbol, i) => parseSymbol(report, symbol, `${at}.symbols[${i}]`)),
    ...(spec.offsets ?? []).map((offset, i) => {
      checkNumber(report, offset, `${at}.offsets[${i}]`);
      return { offset };
    }),
    ...(spec.addrs ?? []).map((address, i) => {
      checkNumber(report, address, `${at}.addrs[${i}]`);
      return { address };
    }),
  ];
  if (places.length === 0) {
    report.invalid(at, `has none of ${addressings.join(", ")}`, "write where in the file it hooks");
  }
  const counters = spec.refCtrOffsets ?? [];
  if (counters.length > 0 && counters.length !== places.length) {
    const what = `has ${counters.length} items for ${places.length} places`;
    report.invalid(`${at}.refCtrOffsets`, what, "write one for each, 0 where there is none");
  }
  const byText = new Map(
    places.map((place, i) => {
      const refCtrOffset = counters[i] ?? 0;
      checkNumber(report, refCtrOffset, `${at}.refCtrOffsets[${i}]`);
      const all = refCtrOffset === 0 ? place : { ...place, refCtrOffset };
      return [JSON.stringify(all), all];
    }),
  );
  return [...byText.values()];
}

/** `readline`, or `readline+0x10`. */
function parseSymbol(report: Report, text: string, at: string): PlaceInFile {
  const [symbol = "", behind, ...more] = text.split("+");
  const offset = behind === undefined ? 0n : parseNumber(behind);
  const isWrong = symbol === "" || /[\s\0]/.test(symbol) || more.length > 0;
  if (isWrong || offset === undefined || offset < 0n || offset > Number.MAX_SAFE_INTEGER) {
    const fix = "write a function such as readline, or readline+0x10";
    report.invalid(at, `is ${quote(text)}`, fix);
    return { symbol };
  }
  return offset === 0n ? { symbol } : { symbol, offset: Number(offset) };
}

function checkNumber(report: Report, value: number, at: string): void {
  if (value < 0) report.invalid(at, `is ${value}`, "write 0 or more");
}
