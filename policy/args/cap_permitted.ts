import { capabilitySetKind } from "./capabilities.ts";

/** A `kernel_cap_t *`, which events call permitted. */
export const cap_permitted = capabilitySetKind();
