import { splitLines } from "@guardbee/kube/lines";
import { type EventLine, parseEventLine } from "./event-line.ts";

/** One event, with the text that it was read from. */
export type ReadEvent<Event = EventLine> = { readonly event: Event; readonly text: string };

/** undefined: the line is no event. */
type Parse<Event> = (line: string) => Event | undefined;

/** Events of a stream of JSON lines, and how many lines were none. */
export class EventReader<Event extends object = EventLine> {
  readonly #parse: Parse<Event>;
  /** Written by `read`. */
  events = 0;
  /** Lines that are no events. Written by `read`. */
  skipped = 0;
  /** The first of those. Written by `read`. */
  #firstSkipped = "";
  /** In which line it was, from 1. */
  #firstSkippedAt = 0;

  constructor(parse: Parse<Event> = parseEventLine as Parse<object> as Parse<Event>) {
    this.#parse = parse;
  }

  async *read(source: AsyncIterable<Buffer | string>): AsyncGenerator<ReadEvent<Event>, void> {
    let at = 0;
    for await (const line of splitLines(source, { unfinished: "kept" })) {
      at++;
      const isFirst = this.events + this.skipped === 0;
      // Some programs begin each file with a byte order mark.
      for (const text of this.#framed(isFirst ? line.replace(/^\ufeff/, "") : line)) {
        const event = this.#parse(text);
        if (event !== undefined) {
          this.events++;
          yield { event, text };
        } else if (text.trim() !== "") {
          if (this.skipped++ > 0) continue;
          this.#firstSkipped = text;
          this.#firstSkippedAt = at;
        }
      }
    }
  }

  /** JSON has no raw carriage return in a text: in a line that is no event, one ends an event. */
  #framed(line: string): readonly string[] {
    return line.includes("\r") && this.#parse(line) === undefined ? line.split("\r") : [line];
  }

  /** What was skipped and what to do about it; undefined: nothing was. */
  skippedNote(): string | undefined {
    if (this.skipped === 0) return undefined;
    const lines = this.skipped === 1 ? "1 line is no event" : `${this.skipped} lines are no events`;
    const first = `the first, line ${this.#firstSkippedAt} without empty ones`;
    return `${lines} and left out; of ${first}: ${adviceFor(this.#firstSkipped)}`;
  }
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
