import { firstInstruction } from "../cluster/first-instruction.ts";
import { openFleet } from "../cluster/fleet.ts";

await openFleet();
firstInstruction({ pods: 5, containersPerPod: 10 });
