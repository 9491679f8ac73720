import { printable } from "@guardbee/policy/printable";

/** A piece of a line, in a colour or in none. */
export type Piece = { readonly text: string; readonly color?: Color };
type Color = keyof typeof codes;

const codes = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;
const esc = "\u001b";
const anyCode = new RegExp(`(${esc}\\[(?:3[1-6]|0)m)`);

const brush = (color: Color) => (text: string) => ({ text, color });
export const paint = {
  red: brush("red"),
  green: brush("green"),
  yellow: brush("yellow"),
  blue: brush("blue"),
  magenta: brush("magenta"),
  cyan: brush("cyan"),
} satisfies Readonly<Record<Color, (text: string) => Piece>>;

/** Printable text with our own colours in it; `render` alone makes it. */
export type Styled = string & { readonly [styled]: true };
declare const styled: unique symbol;

/** Lines of pieces, each made printable before it is coloured. */
export function render(
  lines: readonly (readonly (Piece | string)[])[],
  colors: "colored" | "plain",
): Styled {
  const texts = lines.map((line) => line.map((one) => renderPiece(one, colors)).join(""));
  return texts.join("\n") as Styled;
}

/** `text` with `change` made to all that lies between its colours. */
export function withoutColors(text: Styled, change: (text: string) => string): string {
  const parts = text.split(anyCode);
  return parts.map((part, i) => (i % 2 === 0 ? change(part) : part)).join("");
}

/** Nothing stays nothing. */
function renderPiece(piece: Piece | string, colors: "colored" | "plain"): string {
  const { text, color }: Piece = typeof piece === "string" ? { text: piece } : piece;
  const shown = printable(text);
  if (color === undefined || colors === "plain" || shown === "") return shown;
  return `${esc}[${codes[color]}m${shown}${esc}[0m`;
}

export type ColorWish = "auto" | "always" | "never";

/** auto: only on a terminal that can, and unless NO_COLOR says otherwise (no-color.org). */
export function wantsColor(
  wish: ColorWish,
  io: { readonly stdoutIsTty: boolean; readonly env: Readonly<Record<string, string | undefined>> },
): "colored" | "plain" {
  if (wish !== "auto") return wish === "always" ? "colored" : "plain";
  const refused = (io.env.NO_COLOR ?? "") !== "" || io.env.TERM === "dumb";
  return io.stdoutIsTty && !refused ? "colored" : "plain";
}
