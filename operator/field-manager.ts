/** Under which the operator writes: what server-side apply calls its fields, and a label of what it makes. */
export const fieldManager = "guardbee-operator";
