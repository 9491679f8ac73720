import { frameHeadBytes } from "../wire/frame.ts";
import { code, GrpcError } from "./status.ts";

/**
 * Finds the messages in what comes on a stream. Keeps no more than one that is not whole yet; throws
 * a GrpcError for one that is compressed, which was not offered, or larger than `maxBytes`.
 */
export class FrameReader {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  /** Of `#parts`. */
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a message has begun that is not whole. */
  get isWithin(): boolean {
    return this.#bytes > 0;
  }

  /** The messages that are whole with this; each is good until the next call. */
  take(part: Buffer): readonly Buffer[] {
    this.#parts.push(part);
    this.#bytes += part.length;
    const messages: Buffer[] = [];
    for (;;) {
      const length = this.#length();
      if (length === undefined || this.#bytes < frameHeadBytes + length) return messages;
      const all = this.#joined();
      messages.push(all.subarray(frameHeadBytes, frameHeadBytes + length));
      const rest = all.subarray(frameHeadBytes + length);
      this.#parts = rest.length === 0 ? [] : [rest];
      this.#bytes = rest.length;
    }
  }

  /** Of the message that comes next; undefined while its head is not here. */
  #length(): number | undefined {
    if (this.#bytes < frameHeadBytes) return undefined;
    const head = this.#parts[0]!.length >= frameHeadBytes ? this.#parts[0]! : this.#joined();
    if (head[0] !== 0) {
      throw new GrpcError(code.unimplemented, "the message is compressed; send it as it is");
    }
    const length = head.readUInt32BE(1);
    if (length > this.#maxBytes) {
      const what = `a message of ${length} bytes is larger than ${this.#maxBytes}`;
      throw new GrpcError(code.resourceExhausted, `${what}; send less`);
    }
    return length;
  }

  #joined(): Buffer {
    const [first] = this.#parts;
    const all = this.#parts.length === 1 ? first! : Buffer.concat(this.#parts);
    this.#parts = [all];
    return all;
  }
}
