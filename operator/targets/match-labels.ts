import type { LabelSelector } from "@guardbee/policy";

export type Labels = Readonly<Record<string, string>>;

/**
 * Whether the labels satisfy every term, as Kubernetes does: NotIn and DoesNotExist also hold for
 * an absent key. undefined, like an empty selector, matches everything.
 */
export function matchesLabels(selector: LabelSelector | undefined, labels: Labels): boolean {
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) {
    if (labels[key] !== value) return false;
  }
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    const value = labels[key];
    switch (operator) {
      case "In":
        if (value === undefined || !values.includes(value)) return false;
        break;
      case "NotIn":
        if (value !== undefined && values.includes(value)) return false;
        break;
      case "Exists":
        if (value === undefined) return false;
        break;
      case "DoesNotExist":
        if (value !== undefined) return false;
        break;
    }
  }
  return true;
}
