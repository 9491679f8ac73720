import { completeForKubectl } from "./cluster/complete.ts";
import { start } from "./start.ts";

// kubectl runs `kubectl_complete-guardbee` to complete `kubectl guardbee WORDS...`.
await start(completeForKubectl);
