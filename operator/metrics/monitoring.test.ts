import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parser } from "@prometheus-io/lezer-promql";
import { parse } from "yaml";
import { OperatorMetrics } from "./metrics.ts";
import { metricsOf } from "./reference.ts";

const folder = new URL("../../config/monitoring/", import.meta.url);
const metrics = new OperatorMetrics();
metrics.collectProcess();
const labelsOf = readLabels(metrics);

type Rules = {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly for?: string;
      readonly labels?: { readonly severity?: string };
      readonly annotations?: { readonly summary?: string; readonly description?: string };
    }[];
  }[];
};
type Dashboard = {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
};
const { groups } = parse(readFileSync(new URL("rules.yaml", folder), "utf8")) as Rules;
const alerts = groups.flatMap(({ rules }) => rules);
const dashboard = JSON.parse(
  readFileSync(new URL("grafana-dashboard.json", folder), "utf8"),
) as Dashboard;
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map((target) => ({ title, ...target })),
);

for (const { alert, expr, annotations } of alerts) {
  test(`alert ${alert} asks for what the operator has`, () => {
    assert.deepEqual(problemsIn(expr), []);
    const text = `${annotations?.summary} ${annotations?.description}`;
    assert.deepEqual(unknownLabels(labelsIn(text, /\$labels\.(\w+)/g), expr), []);
  });
}

for (const { title, expr, legendFormat } of queries) {
  test(`panel ${title} asks for what the operator has: ${expr}`, () => {
    assert.deepEqual(problemsIn(expr), []);
    assert.deepEqual(unknownLabels(labelsIn(legendFormat, /\{\{(\w+)\}\}/g), expr), []);
  });
}

test("every alert has a name of its own, a delay, a severity and what to do", () => {
  assert.equal(new Set(alerts.map(({ alert }) => alert)).size, alerts.length);
  const lacking = alerts.filter(
    (one) =>
      one.for === undefined ||
      !["warning", "critical"].includes(one.labels?.severity ?? "") ||
      (one.annotations?.summary ?? "") === "" ||
      (one.annotations?.description ?? "") === "",
  );
  assert.deepEqual(lacking, []);
});

test("every panel has an id of its own and fits the dashboard's 24 columns", () => {
  const { panels } = dashboard;
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  assert.deepEqual(
    panels.filter(({ gridPos: { x, w } }) => x + w > 24),
    [],
  );
});

const wrong: readonly { expr: string; want: readonly string[] }[] = [
  { expr: "sum(guardbee_nodes", want: ["does not parse"] },
  { expr: "guardbee_pods > 0", want: ["there is no metric guardbee_pods"] },
  {
    expr: 'sum by (host) (guardbee_nodes{kind="x"})',
    want: ["no metric here has a label host", "no metric here has a label kind"],
  },
];
for (const { expr, want } of wrong) {
  test(`this test would find what is wrong in ${expr}`, () => {
    assert.deepEqual(problemsIn(expr), want);
  });
}

/** What stands against a PromQL expression. */
function problemsIn(expr: string): readonly string[] {
  const { names, labels, broken } = readPromQl(expr);
  if (broken) return ["does not parse"];
  const unknown = names.filter((name) => !labelsOf.has(name));
  if (unknown.length > 0) return unknown.map((name) => `there is no metric ${name}`);
  return unknownLabels(labels, expr);
}

function unknownLabels(labels: readonly string[], expr: string): readonly string[] {
  const { names } = readPromQl(expr);
  const known = new Set([...targetLabels, ...names.flatMap((name) => labelsOf.get(name) ?? [])]);
  return labels
    .filter((label) => !known.has(label))
    .map((label) => `no metric here has a label ${label}`);
}

/** Prometheus adds these to whatever it scrapes. */
const targetLabels = ["job", "instance"];

function labelsIn(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([, label]) => label!);
}

function readPromQl(expr: string): { names: string[]; labels: string[]; broken: boolean } {
  const found = { names: [] as string[], labels: [] as string[], broken: false };
  parser.parse(expr).iterate({
    enter({ type, name, from, to }) {
      if (type.isError) found.broken = true;
      if (name === "Identifier") found.names.push(expr.slice(from, to));
      if (name === "LabelName") found.labels.push(expr.slice(from, to));
    },
  });
  return found;
}

/** Sample name → labels; a histogram has three. */
function readLabels({ registry }: OperatorMetrics): ReadonlyMap<string, readonly string[]> {
  return new Map(
    metricsOf(registry).flatMap(({ name, type, labelNames = [] }) =>
      type === "histogram"
        ? [
            [`${name}_bucket`, [...labelNames, "le"]] as const,
            [`${name}_count`, labelNames] as const,
            [`${name}_sum`, labelNames] as const,
          ]
        : [[name, labelNames] as const],
    ),
  );
}
