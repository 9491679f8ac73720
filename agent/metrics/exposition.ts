/** One value of a metric, with the labels that it has. */
export type Sample = {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number | bigint;
};

/** `F`: the facts that its values are read from. */
export type Metric<F> = {
  /** Without the prefix `guardbee_`. A counter's ends in `_total`. */
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: (facts: F) => readonly Sample[];
};

export const metricPrefix = "guardbee_";
/** https://prometheus.io/docs/instrumenting/exposition_formats */
export const contentType = "text/plain; version=0.0.4; charset=utf-8";

/** What Prometheus reads. */
export function formatMetrics<F>(metrics: readonly Metric<F>[], facts: F): string {
  return metrics
    .flatMap(({ name, type, help, read }) => [
      `# HELP ${metricPrefix}${name} ${help}`,
      `# TYPE ${metricPrefix}${name} ${type}`,
      ...read(facts).map(({ labels = {}, value }) => {
        const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
        return `${metricPrefix}${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}`;
      }),
    ])
    .join("\n")
    .concat("\n");
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
