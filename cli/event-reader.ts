import { splitLines } from "@guardbee/kube/lines";
import { type EventLine, parseEventLine } from "./event-line.ts";

/** One event, with the text that it was read from. */
export type ReadEvent = { readonly event: EventLine; readonly text: string };

/** Events of a stream of JSON lines, and how many lines were none. */
export class EventReader {
  /** Written by `read`. */
  events = 0;
  /** Lines that are no events. Written by `read`. */
  skipped = 0;
  /** The first of those. Written by `read`. */
  #firstSkipped = "";

  async *read(source: AsyncIterable<Buffer | string>): AsyncGenerator<ReadEvent, void> {
    for await (const line of splitLines(source, { unfinished: "kept" })) {
      const isFirst = this.events + this.skipped === 0;
      // Some programs begin each file with a byte order mark.
      for (const text of framed(isFirst ? line.replace(/^\ufeff/, "") : line)) {
        const event = parseEventLine(text);
        if (event !== undefined) {
          this.events++;
          yield { event, text };
        } else if (text.trim() !== "") {
          if (this.skipped++ === 0) this.#firstSkipped = text;
        }
      }
    }
  }

  /** What was skipped and what to do about it; undefined: nothing was. */
  skippedNote(): string | undefined {
    if (this.skipped === 0) return undefined;
    const lines = this.skipped === 1 ? "1 line is no event" : `${this.skipped} lines are no events`;
    return `${lines} and left out; of the first: ${adviceFor(this.#firstSkipped)}`;
  }
}

/**
 * JSON has no raw carriage return inside a string: where a line is no event, one between two of
 * them ended the first.
 */
function framed(line: string): readonly string[] {
  return line.includes("\r") && parseEventLine(line) === undefined ? line.split("\r") : [line];
}

const time = String.raw`\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)`;

/** What the form of a line says about where it comes from. */
const forms: readonly (readonly [RegExp, string])[] = [
  [
    new RegExp(`^${time} (?:stdout|stderr) [FP] `),
    "it is from a container runtime's log; take it with kubectl logs",
  ],
  [/^\{"log":"/, "it is from a container runtime's log; take it with kubectl logs"],
  [new RegExp(`^${time} \\{`), "leave out --timestamps of kubectl logs"],
  [/^\[[^\]]*\] ?(?:\d{4}-|\{)/, "leave out --prefix of kubectl logs"],
  [/^\{.*"node_name":"/, "it is of a kind that this version does not know"],
  [/^[^{]*\{"process_/, "leave out what stands before each event"],
];

function adviceFor(line: string): string {
  const advice = forms.find(([form]) => form.test(line))?.[1];
  return advice ?? "give it the JSON lines of an agent: its file, or kubectl logs -c export-stdout";
}
