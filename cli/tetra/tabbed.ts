import { oneLine } from "@guardbee/policy/printable";

/** Columns as Go's tabwriter aligns them: left, `space` apart, the last as long as it is. */
export function tabbed(rows: readonly (readonly string[])[], space = 3): string {
  const cells = rows.map((row) => row.map((cell) => oneLine(cell)));
  const widths = (cells[0] ?? []).map((_, i) =>
    Math.max(...cells.map((row) => row[i]?.length ?? 0)),
  );
  return cells
    .map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]! + space)))
        .join(""),
    )
    .map((line) => `${line}\n`)
    .join("");
}
