import { enums } from "../gen/layout.ts";
import { capabilitySetCodec } from "./capabilities.ts";

export const cap_inheritable = capabilitySetCodec(
  "cap_inheritable",
  enums.arg_type.ARG_CAP_INHERITABLE,
);
