import { capabilitySetKind } from "./capabilities.ts";

/** A `kernel_cap_t *`. */
export const kernel_cap_t = capabilitySetKind();
