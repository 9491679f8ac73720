/** Colours a piece of a line, or leaves it as it is. Nothing stays nothing. */
export type Paint = Readonly<Record<Color, (text: string) => string>>;
type Color = keyof typeof codes;

const codes = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;

export function createPaint(colored: "colored" | "plain"): Paint {
  const brush = (color: Color) => (text: string) =>
    colored === "plain" || text === "" ? text : `\u001b[${codes[color]}m${text}\u001b[0m`;
  return {
    red: brush("red"),
    green: brush("green"),
    yellow: brush("yellow"),
    blue: brush("blue"),
    magenta: brush("magenta"),
    cyan: brush("cyan"),
  };
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
