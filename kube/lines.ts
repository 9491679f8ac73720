import { StringDecoder } from "node:string_decoder";

/** The longest line taken, in characters: ten times what etcd stores in one object. */
const maxLineLength = 16 * 1024 * 1024;

/**
 * The lines of a byte stream without their ends, empty ones left out. A last line without an end
 * is dropped: its sender was cut off. Throws on a line of more than 16 Mi characters.
 */
export async function* splitLines(source: NodeJS.ReadableStream): AsyncGenerator<string, void> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of source) {
    rest += decoder.write(chunk as Buffer);
    let start = 0;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", start)) {
      if (end > start) yield rest.slice(start, end);
      start = end + 1;
    }
    rest = rest.slice(start);
    if (rest.length > maxLineLength) {
      throw new Error(`a line of over ${maxLineLength} characters; the sender is no API server`);
    }
  }
}
