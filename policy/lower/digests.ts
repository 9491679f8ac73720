import { quote } from "../suggest.ts";
import type { Report } from "./report.ts";

/** How many hexadecimal digits a digest has; of a build id that is the linker's choice. */
const digits: Readonly<Record<string, number | undefined>> = {
  ...{ sha1: 40, sha256: 64, sha384: 96, sha512: 128, "build-id": undefined },
};

/** Digests as `algorithm:digits` in lower case, sorted, in one text; empty: there are none. */
export function lowerDigests(report: Report, given: readonly string[], at: string): string {
  const digests = given.map((text, i) => {
    const canonical = text.trim().toLowerCase();
    const [algorithm = "", hex = "", ...more] = canonical.split(":");
    if (!Object.hasOwn(digits, algorithm) || more.length > 0) {
      const fix = `write algorithm:digits with one of ${Object.keys(digits).join(", ")}`;
      report.invalid(`${at}[${i}]`, `is ${quote(text)}`, fix);
    } else if (!/^([0-9a-f]{2}){1,64}$/.test(hex)) {
      report.invalid(`${at}[${i}]`, `is ${quote(text)}`, "write pairs of hexadecimal digits");
    } else if (hex.length !== (digits[algorithm] ?? hex.length)) {
      const fix = `${algorithm} has ${digits[algorithm]} digits`;
      report.invalid(`${at}[${i}]`, `has ${hex.length} digits`, fix);
    }
    return canonical;
  });
  return [...new Set(digests)].sort().join(" ");
}
