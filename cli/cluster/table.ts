import Table from "cli-table3";

export type Cell = string | number;

const gap = 3;
/** A last column narrower than this is no help; the lines are then longer than the terminal. */
const minLastWidth = 24;

/**
 * A table as kubectl prints one: upper-case headers, no lines, three spaces between columns. With
 * `columns`, the width of the terminal, the last column is wrapped to fit it.
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  columns: number | undefined,
): string {
  const texts = [head, ...rows].map((row) => row.map((cell) => flat(String(cell))));
  const widths = head.map((_, i) => Math.max(...texts.map((row) => row[i]!.length)) + gap);
  const table = new Table({
    chars: noLines,
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": gap },
    colWidths: fitted(widths, columns),
    wordWrap: true,
  });
  for (const row of texts) table.push(row);
  return `${table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")}\n`;
}

/** `Label:  value` lines, aligned; without those that have no value. */
export function formatFacts(facts: readonly (readonly [string, string | undefined])[]): string {
  const given = facts.filter(([, value]) => value !== undefined && value !== "");
  const width = Math.max(...given.map(([label]) => label.length)) + 2;
  return given.map(([label, value]) => `${`${label}:`.padEnd(width)}${value}\n`).join("");
}

function fitted(widths: readonly number[], columns: number | undefined): number[] {
  const fixed = widths.slice(0, -1);
  const last = widths.at(-1) ?? 0;
  if (columns === undefined) return [...widths];
  const left = columns + gap - fixed.reduce((sum, width) => sum + width, 0);
  return [...fixed, Math.min(last, Math.max(left, minLastWidth + gap))];
}

/** A cell is one paragraph, and an empty one would shift what is read by column. */
function flat(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line === "" ? "-" : line;
}

const noLines = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "" },
  ...{ right: "", "right-mid": "", middle: "" },
};
