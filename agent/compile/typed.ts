import { argCodec } from "../args/index.ts";
import { enums } from "../gen/layout.ts";
import type { AttachPoint } from "./plan.ts";
import type { Reading } from "./readings.ts";

/**
 * READ_TYPED where the verifier knows the parameter of `reading` to be what its type is read from in
 * place, else 0: then it is read as memory of any kind.
 */
export function typedFlag(
  { parameters }: Pick<AttachPoint, "parameters">,
  { type, index, path }: Pick<Reading, "type" | "index" | "path">,
): number {
  const { inPlace } = argCodec(type);
  const isTyped = inPlace !== undefined && path === undefined && parameters?.[index] === inPlace;
  return isTyped ? enums.reading_flag.READ_TYPED : 0;
}
