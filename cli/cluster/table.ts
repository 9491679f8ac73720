import { printable } from "@guardbee/policy/printable";
import Table from "cli-table3";

export type Cell = string | number;

const gap = 3;
/** A longer word may be cut where the terminal is narrow. */
const maxWord = 40;

/**
 * A table as kubectl prints one: upper-case headers, no lines, three spaces between columns. With
 * `columns`, the width of the terminal, the widest columns are wrapped to fit it, between words.
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  columns: number | undefined,
): string {
  const texts = [head, ...rows].map((row) => row.map((cell) => flat(String(cell))));
  const table = new Table({
    chars: noLines,
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": gap },
    colWidths: fitted(texts, columns),
    wordWrap: true,
  });
  for (const row of texts) table.push(row);
  return `${table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")}\n`;
}

/** An empty line and a table; nothing without rows. */
export function section(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  columns: number | undefined,
): string {
  return rows.length === 0 ? "" : `\n${formatTable(head, rows, columns)}`;
}

/** `Label:  value` lines, aligned; without those that have no value. */
export function formatFacts(facts: readonly (readonly [string, string | undefined])[]): string {
  const given = facts.filter(([, value]) => value !== undefined && value !== "");
  const width = Math.max(...given.map(([label]) => label.length)) + 2;
  return given.map(([label, value]) => `${`${label}:`.padEnd(width)}${flat(value!)}\n`).join("");
}

/** Widths of columns with the gap after each: as wide as needed, the widest narrowed until all fit. */
function fitted(texts: readonly (readonly string[])[], columns = Number.POSITIVE_INFINITY) {
  const widest = (measure: (text: string) => number) =>
    (texts[0] ?? []).map((_, i) => Math.max(...texts.map((row) => measure(row[i] ?? ""))) + gap);
  const widths = widest(widthOf);
  const least = widest((text) => Math.min(Math.max(...text.split(" ").map(widthOf)), maxWord));
  for (;;) {
    const excess = widths.reduce((sum, width) => sum + width, -gap) - columns;
    const slack = widths.map((width, i) => (width > least[i]! ? width : 0));
    const widestAt = slack.indexOf(Math.max(...slack));
    if (excess <= 0 || slack[widestAt] === 0) return widths;
    widths[widestAt]!--;
  }
}

/** At least as many columns as a terminal takes: East Asian characters and emoji take two. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += character >= "\u1100" || /[©®]/.test(character) ? 2 : 1;
  return width;
}

/** A cell is one paragraph, and an empty one would shift what is read by column. */
function flat(text: string): string {
  const line = printable(text.replaceAll(/[\t\n\r ]+/g, " ").trim());
  return line === "" ? "-" : line;
}

const noLines = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "" },
  ...{ right: "", "right-mid": "", middle: "" },
};
