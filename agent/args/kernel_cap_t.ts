import { enums } from "../gen/layout.ts";
import { capabilitySetCodec } from "./capabilities.ts";

export const kernel_cap_t = capabilitySetCodec("kernel_cap_t", enums.arg_type.ARG_KERNEL_CAP_T);
