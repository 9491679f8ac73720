import { enums } from "../gen/layout.ts";
import { capabilitySetCodec } from "./capabilities.ts";

export const cap_effective = capabilitySetCodec("cap_effective", enums.arg_type.ARG_CAP_EFFECTIVE);
