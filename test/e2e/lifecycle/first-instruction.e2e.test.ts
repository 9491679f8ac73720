import { firstInstruction } from "../cluster/first-instruction.ts";
import { openFleet } from "../cluster/fleet.ts";

await openFleet();
firstInstruction(10);
