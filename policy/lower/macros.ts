import type { SelectorSpec } from "../schema/selector.ts";
import { hookSections, type TracingPolicySpec } from "../schema/tracing-policy.ts";
import { quote, suggest } from "../suggest.ts";
import type { Report } from "./report.ts";

type Macros = NonNullable<TracingPolicySpec["selectorsMacros"]>;

/**
 * `spec` with the macros that its selectors name written out in them. What a selector and its macros
 * say together must be said once: nobody can tell whether two lists of one kind are meant to add up.
 */
export function withMacros(report: Report, spec: TracingPolicySpec): TracingPolicySpec {
  const { selectorsMacros: macros = {} } = spec;
  for (const [name, macro] of Object.entries(macros)) {
    if ((macro.macros ?? []).length === 0) continue;
    const fix = "write out what they stand for: a macro has no others in it";
    report.invalid(`spec.selectorsMacros[${name}].macros`, "names macros", fix);
  }
  const sections = hookSections.flatMap((section) => {
    const hooks: readonly { readonly selectors?: readonly SelectorSpec[] }[] = spec[section] ?? [];
    if (!hooks.some(({ selectors = [] }) => selectors.some(hasMacros))) return [];
    const written = hooks.map((hook, i) => ({
      ...hook,
      ...(hook.selectors && {
        selectors: hook.selectors.map((selector, j) =>
          writtenOut(report, selector, { macros, at: `spec.${section}[${i}].selectors[${j}]` }),
        ),
      }),
    }));
    return [[section, written] as const];
  });
  return { ...spec, ...Object.fromEntries(sections) };
}

function hasMacros({ macros = [] }: SelectorSpec): boolean {
  return macros.length > 0;
}

function writtenOut(
  report: Report,
  selector: SelectorSpec,
  { macros, at }: { readonly macros: Macros; readonly at: string },
): SelectorSpec {
  const { macros: names = [], ...own } = selector;
  const from = new Map<string, string>(fieldsOf(own).map(([field]) => [field, "the selector"]));
  const merged: Record<string, unknown> = { ...own };
  for (const [i, name] of names.entries()) {
    const macro = Object.hasOwn(macros, name) ? macros[name] : undefined;
    if (macro === undefined) {
      const close = suggest(name, Object.keys(macros));
      const fix = close === undefined ? "add it to spec.selectorsMacros" : `did you mean ${close}?`;
      report.invalid(`${at}.macros[${i}]`, `no macro is named ${quote(name)}`, fix);
      continue;
    }
    const { macros: _, label, ...its } = macro;
    if (label && !merged.label) merged.label = label;
    for (const [field, value] of fieldsOf(its)) {
      const before = from.get(field);
      if (before !== undefined) {
        const what = `${quote(name)} has ${field}, as ${before} has`;
        report.invalid(`${at}.macros[${i}]`, what, "keep one of them");
        continue;
      }
      from.set(field, `macro ${quote(name)}`);
      merged[field] = value;
    }
  }
  return merged as SelectorSpec;
}

/** What a selector says, without lists that are empty. */
function fieldsOf(selector: Omit<SelectorSpec, "macros">): readonly (readonly [string, unknown])[] {
  return Object.entries(selector).filter(
    ([name, value]) => name !== "label" && !(Array.isArray(value) && value.length === 0),
  );
}
