import { capabilitySetKind } from "./capabilities.ts";

/** A `kernel_cap_t *`, which events call effective. */
export const cap_effective = capabilitySetKind();
