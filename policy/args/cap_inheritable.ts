import { capabilitySetKind } from "./capabilities.ts";

/** A `kernel_cap_t *`, which events call inheritable. */
export const cap_inheritable = capabilitySetKind();
