import { StringDecoder } from "node:string_decoder";

/** The longest line taken, in characters: ten times what etcd stores in one object. */
const maxLineLength = 16 * 1024 * 1024;

export type LinesOptions = {
  /** Of a last line without an end: a sender that was cut off, or a file that ends so. */
  readonly unfinished: "dropped" | "kept";
};

/**
 * The lines of a byte stream without their ends, empty ones left out. A line ends with a line feed
 * and nothing else: JSON has raw U+2028, U+2029 and U+0085 in its strings, which libraries take for
 * ends of lines. Throws on a line of more than 16 Mi characters.
 */
export async function* splitLines(
  source: AsyncIterable<Buffer | string>,
  { unfinished }: LinesOptions = { unfinished: "dropped" },
): AsyncGenerator<string, void> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of source) {
    rest += typeof chunk === "string" ? chunk : decoder.write(chunk);
    let start = 0;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", start)) {
      if (end > start) yield rest.slice(start, end);
      start = end + 1;
    }
    rest = rest.slice(start);
    if (rest.length > maxLineLength) {
      throw new Error(
        `a line of over ${maxLineLength} characters; the sender writes no JSON lines`,
      );
    }
  }
  rest += decoder.end();
  if (unfinished === "kept" && rest !== "") yield rest;
}
