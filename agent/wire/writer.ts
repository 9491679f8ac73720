/**
 * Writes protobuf messages field by field, in the order of the calls, without an object of them
 * before. A tag comes from `tags` of ../gen/wire.ts. As in proto3, `uint`, `int`, `text` and the like leave
 * out what is 0 or empty; those that end in `Set` do not: members of a oneof, whose presence says
 * which it is. One writer serves any number of messages, one after the other.
 */
export class WireWriter {
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #at = 0;

  /** The message written since the last `take`, in memory of its own. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.#at);
    this.#bytes.copy(taken, 0, 0, this.#at);
    this.#at = 0;
    if (this.#bytes.length > keptBytes) this.#bytes = Buffer.allocUnsafeSlow(firstBytes);
    return taken;
  }

  /** Begins a message in a field; its end is said with `close` of what this gives. */
  open(tag: number): number {
    this.#room(tagBytes + 1);
    this.#varint(tag);
    return ++this.#at; // one byte for the length, which nearly every message does with
  }

  close(start: number): void {
    const bytes = this.#at - start;
    if (bytes >= 0x80) {
      const more = varintBytes(bytes) - 1;
      this.#room(more);
      this.#bytes.copyWithin(start + more, start, this.#at);
      this.#at += more;
    }
    const end = this.#at;
    this.#at = start - 1;
    this.#varint(bytes);
    this.#at = end;
  }

  text(tag: number, value: string | undefined): void {
    if (value !== undefined && value !== "") this.textSet(tag, value);
  }

  /** What is no UTF-16, a lone half of a character, becomes U+FFFD: a reader refuses what is no UTF-8. */
  textSet(tag: number, value: string): void {
    const start = this.open(tag);
    this.#room(value.length * 3);
    this.#at += this.#bytes.write(value, this.#at);
    this.close(start);
  }

  /** Bytes, or a message that is encoded already. */
  bytesSet(tag: number, value: Uint8Array): void {
    this.#room(2 * tagBytes + value.length);
    this.#varint(tag);
    this.#varint(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** Fields that are encoded already, into the message that is open. */
  fields(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** 0 to 2^53. */
  uint(tag: number, value: number): void {
    if (value !== 0) this.uintSet(tag, value);
  }

  uintSet(tag: number, value: number): void {
    this.#room(tagBytes + varintMost);
    this.#varint(tag);
    this.#varint(value);
  }

  /** Signed, of 32 bits. */
  intSet(tag: number, value: number): void {
    if (value < 0) this.bigSet(tag, BigInt(value));
    else this.uintSet(tag, value);
  }

  /** 64 bits, signed or not. */
  big(tag: number, value: bigint): void {
    if (value !== 0n) this.bigSet(tag, value);
  }

  bigSet(tag: number, value: bigint): void {
    if (value >= 0n && value <= maxSafe) {
      this.uintSet(tag, Number(value));
      return;
    }
    this.#room(tagBytes + varintMost);
    this.#varint(tag);
    let left = BigInt.asUintN(64, value);
    for (; left >= 0x80n; left >>= 7n) this.#bytes[this.#at++] = Number(left & 0x7fn) | 0x80;
    this.#bytes[this.#at++] = Number(left);
  }

  /** 64 bits without a sign, in eight bytes. */
  fixed64(tag: number, value: bigint): void {
    if (value === 0n) return;
    this.#room(tagBytes + 8);
    this.#varint(tag);
    this.#at = this.#bytes.writeBigUInt64LE(value, this.#at);
  }

  bool(tag: number, value: boolean): void {
    if (value) this.uintSet(tag, 1);
  }

  /** A google.protobuf.UInt32Value or BoolValue, which may be absent, so that 0 is not. */
  wrapped(tag: number, value: number): void {
    const start = this.open(tag);
    this.uint(wrappedTag, value);
    this.close(start);
  }

  /** A google.protobuf.Timestamp of ns since 1970. */
  time(tag: number, wallNs: bigint): void {
    const start = this.open(tag);
    const seconds = wallNs / secondNs;
    this.uint(timeTags.seconds, Number(seconds));
    this.uint(timeTags.nanos, Number(wallNs - seconds * secondNs));
    this.close(start);
  }

  /** A repeated field of numbers, packed. */
  list(tag: number, values: readonly number[]): void {
    if (values.length === 0) return;
    const start = this.open(tag);
    for (const value of values) {
      this.#room(varintMost);
      this.#varint(value);
    }
    this.close(start);
  }

  #varint(value: number): void {
    let left = value;
    // The operators on bits take 32 of them.
    for (; left >= 0x1000_0000; left = Math.floor(left / 0x80)) {
      this.#bytes[this.#at++] = (left & 0x7f) | 0x80;
    }
    for (; left >= 0x80; left >>>= 7) this.#bytes[this.#at++] = (left & 0x7f) | 0x80;
    this.#bytes[this.#at++] = left;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const more = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + bytes));
    this.#bytes.copy(more, 0, 0, this.#at);
    this.#bytes = more;
  }
}

const firstBytes = 4096;
/** What a writer keeps of its memory for the next message. */
const keptBytes = 1 << 20;
/** Of a tag, and of a length, at most. */
const tagBytes = 5;
const varintMost = 10;
const maxSafe = BigInt(Number.MAX_SAFE_INTEGER);
/** Field 1, a varint, of what wraps a number. */
const wrappedTag = 8;

const timeTags = { seconds: 8, nanos: 16 };
const secondNs = 1_000_000_000n;

function varintBytes(value: number): number {
  return value < 0x80
    ? 1
    : value < 0x4000
      ? 2
      : value < 0x20_0000
        ? 3
        : value < 0x1000_0000
          ? 4
          : 5;
}
