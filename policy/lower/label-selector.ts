import { isLabelKey } from "../metadata.ts";
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

/** The selector as canonicalSelector has it; what stands against it is reported. */
export function lowerLabelSelector(
  report: Report,
  spec: LabelSelectorSpec | undefined,
  place: { readonly at: string; readonly keys: LabelKeys },
): LabelSelector | undefined {
  for (const [key, value] of Object.entries(spec?.matchLabels ?? {})) {
    const at = `${place.at}.matchLabels[${key}]`;
    checkKey(report, key, at, place.keys);
    if (place.keys.only !== undefined) warnOfContainer(report, { key, value }, at);
  }
  for (const [i, term] of (spec?.matchExpressions ?? []).entries()) {
    const at = `${place.at}.matchExpressions[${i}]`;
    checkKey(report, term.key, `${at}.key`, place.keys);
    checkValues(report, term, at, place.keys);
  }
  return canonicalSelector(spec ?? {});
}

/** The selector in canonical order; undefined when it is empty and so matches everything. */
export function canonicalSelector(selector: LabelSelector): LabelSelector | undefined {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const labels = Object.entries(matchLabels).sort(([a], [b]) => byCodePoint(a, b));
  const terms = matchExpressions.map(({ key, operator, values: given = [] }) => {
    const values = canonicalTexts(given);
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

/** Container names are DNS labels; `repo` is an image without tag and digest. */
function warnOfContainer(
  report: Report,
  { key, value }: { readonly key: string; readonly value: string },
  at: string,
): void {
  if (key === "name" && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value)) {
    const fix = "at most 63 lower-case letters, digits and -, with a letter or digit at each end";
    report.warn(at, `is ${quote(value)}, and no container has such a name`, fix);
  }
  if (key === "repo" && /:[^/]*$|@|^[a-z]+:\/\/|^\s|\s$|^$|[*A-Z]/.test(value)) {
    const fix = "write the image without scheme, tag and digest: docker.io/library/nginx";
    report.warn(at, `is ${quote(value)}, and no image has such a repository`, fix);
  }
}

function checkKey(report: Report, key: string, at: string, keys: LabelKeys): void {
  if (keys.only !== undefined) {
    if (!keys.only.includes(key)) {
      report.invalid(at, `is ${quote(key)}`, suggestFrom(key, keys.only));
    }
    return;
  }
  if (isLabelKey(key) || keys.extra.includes(key)) return;
  const fix = "write a label key: letters, digits, -, _ and ., such as app.kubernetes.io/name";
  report.invalid(at, `is ${quote(key)}`, fix);
}

function checkValues(
  report: Report,
  term: { readonly key: string; readonly operator: string; readonly values?: readonly string[] },
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
  if (keys.only !== undefined) {
    values.forEach((value, i) => {
      warnOfContainer(report, { key: term.key, value }, `${at}.values[${i}]`);
    });
    return;
  }
  values.forEach((value, i) => {
    if (value === "" || namePart.test(value)) return;
    const fix = "at most 63 letters, digits, -, _ and ., with a letter or digit at each end";
    report.invalid(`${at}.values[${i}]`, `is ${quote(value)}`, fix);
  });
}
