/** What a piece of a Go time layout stands for, by the way it is written there. */
export type Chunk = { readonly prefix: string; readonly std: string };

/** `std` is "" at the end; longer ones come before what they begin with. */
const written = [
  ...["January", "Jan", "Monday", "Mon", "MST"],
  ...[
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "002",
    "15",
    "1",
    "2006",
    "2",
    "__2",
    "_2",
    "3",
    "4",
    "5",
  ],
  ...["PM", "pm", "-07:00:00", "-070000", "-07:00", "-0700", "-07"],
  ...["Z07:00:00", "Z070000", "Z07:00", "Z0700", "Z07"],
] as const;

/** The layout in pieces, as time.Format and time.Parse take it. */
export function layoutChunks(layout: string): readonly Chunk[] {
  const chunks: Chunk[] = [];
  let prefix = "";
  for (let at = 0; at < layout.length; ) {
    const std = stdAt(layout, at);
    if (std === undefined) {
      prefix += layout[at++];
      continue;
    }
    chunks.push({ prefix, std });
    prefix = "";
    at += std.length;
  }
  return [...chunks, { prefix, std: "" }];
}

function stdAt(layout: string, at: number): string | undefined {
  const fraction = /[.,](?:0+|9+)(?!\d)/y;
  fraction.lastIndex = at;
  const digits = fraction.exec(layout)?.[0];
  if (digits !== undefined) return digits;
  if (layout.startsWith("_2006", at)) return undefined; // a literal _, then the year
  const std = written.find((one) => layout.startsWith(one, at));
  // Go takes "Jan" for a month only where no word goes on: "Janet".
  const goesOn = /[a-z]/.test(layout[at + 3] ?? "");
  return (std === "Jan" || std === "Mon") && goesOn ? undefined : std;
}

export const months = [
  ...["January", "February", "March", "April", "May", "June", "July", "August", "September"],
  ...["October", "November", "December"],
] as const;

export const weekdays = [
  ...["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
] as const;

/** Layouts that Rego knows by name. */
export const namedLayouts: Readonly<Record<string, string>> = {
  ANSIC: "Mon Jan _2 15:04:05 2006",
  UnixDate: "Mon Jan _2 15:04:05 MST 2006",
  RubyDate: "Mon Jan 02 15:04:05 -0700 2006",
  RFC822: "02 Jan 06 15:04 MST",
  RFC822Z: "02 Jan 06 15:04 -0700",
  RFC850: "Monday, 02-Jan-06 15:04:05 MST",
  RFC1123: "Mon, 02 Jan 2006 15:04:05 MST",
  RFC1123Z: "Mon, 02 Jan 2006 15:04:05 -0700",
  RFC3339: "2006-01-02T15:04:05Z07:00",
  RFC3339Nano: "2006-01-02T15:04:05.999999999Z07:00",
};
