import type { WireWriter } from "../wire/writer.ts";

/** Where the payload of one argument lies in a hook's record, behind its struct event_arg. */
export type Payload = {
  readonly records: Buffer;
  /** enum arg_flag */
  readonly flags: number;
  readonly start: number;
  /** At least `minBytes` of the codec. */
  readonly size: number;
};

/** A number of 8 bytes. */
export type ShownArg = { readonly type: "size_t"; readonly value: bigint };

/** How arguments of one type are asked of the engine, and what becomes of what it reports. */
export type ArgCodec<Value, Facet extends string> = {
  /** enum arg_type of bpf/engine/arg.h */
  readonly code: number;
  /** By facet of the type in policy/args: facet.part of bpf/engine/tables.h. */
  readonly parts: Readonly<Record<Facet, number>>;
  /** What the engine reads in place where the verifier knows that the parameter is that; none: nothing. */
  readonly inPlace?: string;
  /** Whether its payload always is one number of 8 bytes. */
  readonly isNumber: boolean;
  /** The least bytes that its payload has. */
  readonly minBytes: number;
  decode(payload: Payload): Value;
  /** Its field of a KprobeArgument. */
  json(value: Value): string;
  /** The same in protobuf: into a KprobeArgument that is open. */
  wire(value: Value, out: WireWriter): void;
  /** Of an argument that upstream shows as several, those; undefined: it is one. */
  shownAs?(value: Value): readonly ShownArg[] | undefined;
};
