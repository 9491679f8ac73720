import type { Image } from "./image.ts";
import type { Process } from "./process.ts";

/** Text that counts as long is cut to this when there is no room for it any more. */
const keptChars = 1024;

/** How much text of an image is long, in characters; 0: it has none. */
export function longTextOf({ arguments: args, environment = [] }: Image): number {
  const inEnvironment = environment.reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    0,
  );
  const chars = args.length + inEnvironment;
  return chars > keptChars ? chars : 0;
}

/**
 * Images whose argv or environment is long, oldest first. There are no more than `limitChars` of such
 * text; beyond it the oldest ones are cut, through `cut`.
 */
export class LongImages {
  readonly #waiting: {
    readonly process: Process;
    readonly image: Image;
    readonly chars: number;
  }[] = [];
  readonly #limitChars: number;
  readonly #cut: (process: Process, image: Image) => void;
  #chars = 0;
  #cuts = 0;

  constructor(limitChars: number, cut: (process: Process, image: Image) => void) {
    this.#limitChars = limitChars;
    this.#cut = cut;
  }

  /** To be called with every image that a process gets. */
  add(process: Process): void {
    const { image } = process;
    const chars = longTextOf(image);
    if (chars === 0) return;
    this.#waiting.push({ process, image, chars });
    this.#chars += chars;
    while (this.#chars > this.#limitChars && this.#waiting.length > 1) {
      const oldest = this.#waiting.shift()!;
      this.#chars -= oldest.chars;
      if (oldest.process.image !== oldest.image) continue; // it has another by now
      this.#cuts++;
      this.#cut(oldest.process, cutText(oldest.image));
    }
  }

  /** How many images were cut. */
  get cuts(): number {
    return this.#cuts;
  }
}

function cutText(image: Image): Image {
  const { environment: _, ...rest } = image;
  const words = image.flags.split(" ");
  const flags = words.includes("truncArgs") ? image.flags : withTruncArgs(words);
  return { ...rest, arguments: copyOf(image.arguments.slice(0, keptChars)), flags };
}

/** In upstream's order it comes behind these. */
function withTruncArgs(words: readonly string[]): string {
  const before =
    words.findLastIndex((word) => ["execve", "procFS", "errorEnvs"].includes(word)) + 1;
  return [...words.slice(0, before), "truncArgs", ...words.slice(before)].join(" ");
}

/** A slice would keep the whole text. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}
