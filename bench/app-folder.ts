import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "..");

/** Where the benches put the application as images have it; what is measured runs from there. */
export const appFolder = join(root, "build/app");
