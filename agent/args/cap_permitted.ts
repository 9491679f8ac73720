import { enums } from "../gen/layout.ts";
import { capabilitySetCodec } from "./capabilities.ts";

export const cap_permitted = capabilitySetCodec("cap_permitted", enums.arg_type.ARG_CAP_PERMITTED);
