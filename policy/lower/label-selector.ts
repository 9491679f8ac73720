import type { LabelSelectorSpec } from "../schema/label-selector.ts";
import type { LabelSelector } from "../selector-set.ts";
import { quote, suggestFrom } from "../suggest.ts";
import { byCodePoint, canonicalTexts } from "./canonical.ts";
import type { Report } from "./report.ts";

/** Which keys a selector may name: any label key, or exactly these. */
export type LabelKeys = { readonly extra: readonly string[]; readonly only?: readonly string[] };

export const nodeLabels: LabelKeys = { extra: [] };
/** Upstream's name for the namespace a pod lives in. */
export const podLabels: LabelKeys = { extra: ["k8s:io.kubernetes.pod.namespace"] };
export const containerLabels: LabelKeys = { extra: [], only: ["name", "repo"] };

/** The selector in canonical order; undefined when it is empty and so matches everything. */
export function lowerLabelSelector(
  report: Report,
  spec: LabelSelectorSpec | undefined,
  place: { readonly at: string; readonly keys: LabelKeys },
): LabelSelector | undefined {
  const labels = Object.entries(spec?.matchLabels ?? {}).sort(([a], [b]) => byCodePoint(a, b));
  for (const [key] of labels) checkKey(report, key, `${place.at}.matchLabels[${key}]`, place.keys);
  const terms = (spec?.matchExpressions ?? []).map((term, i) => {
    const at = `${place.at}.matchExpressions[${i}]`;
    checkKey(report, term.key, `${at}.key`, place.keys);
    checkValues(report, term, at, place.keys);
    const { key, operator } = term;
    const values = canonicalTexts(term.values ?? []);
    return values.length === 0 ? { key, operator } : { key, operator, values };
  });
  if (labels.length === 0 && terms.length === 0) return undefined;
  return {
    ...(labels.length > 0 ? { matchLabels: Object.fromEntries(labels) } : {}),
    ...(terms.length > 0
      ? { matchExpressions: terms.sort((a, b) => byCodePoint(sortKey(a), sortKey(b))) }
      : {}),
  };
}

function sortKey(term: { key: string; operator: string; values?: readonly string[] }): string {
  return JSON.stringify([term.key, term.operator, term.values ?? []]);
}

const namePart = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const prefixPart = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

function checkKey(report: Report, key: string, at: string, keys: LabelKeys): void {
  if (keys.only !== undefined) {
    if (!keys.only.includes(key)) {
      report.invalid(at, `is ${quote(key)}`, suggestFrom(key, keys.only));
    }
    return;
  }
  const [name, prefix, more] = key.split("/").reverse();
  const valid =
    namePart.test(name ?? "") &&
    (prefix === undefined || prefixPart.test(prefix)) &&
    more === undefined;
  if (valid || keys.extra.includes(key)) return;
  const fix = "write a label key: letters, digits, -, _ and ., such as app.kubernetes.io/name";
  report.invalid(at, `is ${quote(key)}`, fix);
}

function checkValues(
  report: Report,
  term: { readonly operator: string; readonly values?: readonly string[] },
  at: string,
  keys: LabelKeys,
): void {
  const values = term.values ?? [];
  const wantsValues = term.operator === "In" || term.operator === "NotIn";
  if (wantsValues && values.length === 0) {
    report.invalid(`${at}.values`, "is empty", `${term.operator} needs at least one value`);
  }
  if (!wantsValues && values.length > 0) {
    report.invalid(`${at}.values`, "is not empty", `${term.operator} takes no values`);
  }
  // Image repositories are no label values: they hold "/" and may hold ":".
  if (keys.only !== undefined) return;
  values.forEach((value, i) => {
    if (value === "" || namePart.test(value)) return;
    const fix = "at most 63 letters, digits, -, _ and ., with a letter or digit at each end";
    report.invalid(`${at}.values[${i}]`, `is ${quote(value)}`, fix);
  });
}
