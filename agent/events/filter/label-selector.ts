/** Whether a pod's labels are selected. */
export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

/**
 * The test of a label selector as kubectl takes it: `app=x,tier!=db,env in (a, b),!legacy,cpu>4`.
 * Terms are ANDed; `!=` and `notin` hold for a label that is not there. Undefined when it is none.
 */
export function parseLabelSelector(text: string): LabelTest | undefined {
  const terms = splitTerms(text).map(parseTerm);
  if (terms.some((term) => term === undefined)) return undefined;
  return (labels) => terms.every((term) => term?.(labels));
}

/** At commas outside of parentheses. An empty selector has no terms, and selects every pod. */
function splitTerms(text: string): readonly string[] {
  if (text.trim() === "") return [];
  return text.split(/,(?![^(]*\))/).map((term) => term.trim());
}

const key = String.raw`([A-Za-z0-9][A-Za-z0-9_.\-/:]*)`;
const value = String.raw`([A-Za-z0-9_.\-]*)`;
const forms = {
  exists: new RegExp(`^${key}$`),
  absent: new RegExp(`^!\\s*${key}$`),
  compared: new RegExp(`^${key}\\s*(==|=|!=|>|<)\\s*${value}$`),
  listed: new RegExp(`^${key}\\s+(in|notin)\\s*\\(([^()]*)\\)$`),
};

function parseTerm(term: string): LabelTest | undefined {
  const exists = term.match(forms.exists)?.[1];
  if (exists !== undefined) return (labels) => Object.hasOwn(labels, exists);
  const absent = term.match(forms.absent)?.[1];
  if (absent !== undefined) return (labels) => !Object.hasOwn(labels, absent);
  const [, name = "", operator, wanted = ""] = term.match(forms.compared) ?? [];
  if (operator !== undefined) return compared(name, operator, wanted);
  const [, listed = "", word, list = ""] = term.match(forms.listed) ?? [];
  if (word === undefined) return undefined;
  const values = new Set(list.split(",").map((one) => one.trim()));
  return word === "in"
    ? (labels) => Object.hasOwn(labels, listed) && values.has(labels[listed]!)
    : (labels) => !Object.hasOwn(labels, listed) || !values.has(labels[listed]!);
}

function compared(name: string, operator: string, wanted: string): LabelTest | undefined {
  const has = (labels: Readonly<Record<string, string>>) => Object.hasOwn(labels, name);
  if (operator === "!=") return (labels) => !has(labels) || labels[name] !== wanted;
  if (operator !== ">" && operator !== "<")
    return (labels) => has(labels) && labels[name] === wanted;
  if (!wholeNumber.test(wanted)) return undefined;
  const bound = BigInt(wanted);
  return (labels) => {
    const found = has(labels) ? labels[name]! : "";
    if (!wholeNumber.test(found)) return false;
    return operator === ">" ? BigInt(found) > bound : BigInt(found) < bound;
  };
}

const wholeNumber = /^-?\d{1,18}$/;
