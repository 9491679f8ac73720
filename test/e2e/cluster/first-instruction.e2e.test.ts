import { firstInstruction } from "./first-instruction.ts";
import { openFleet } from "./fleet.ts";

await openFleet();
firstInstruction({ pods: 2, containersPerPod: 1 });
