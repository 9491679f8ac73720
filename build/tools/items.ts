import { join } from "node:path";
import { goModule, type Item, same } from "./item.ts";

/** Compiles Rego: of the modules that are built in, and in the operator's image. */
export const opa = goModule(
  "opa",
  "github.com/open-policy-agent/opa",
  "v1.22.2",
  { opa: "." },
  { ABOUT: "80 s" },
);

/** What images have of a system. */
export const busybox: Item = {
  name: "busybox",
  script: join(import.meta.dirname, "busybox.sh"),
  files: {},
  env: {},
  outputs: same("busybox", "copyright"),
  needsGo: false,
};

/** What `make build` and the images take. */
export const tools: readonly Item[] = [opa, busybox];
