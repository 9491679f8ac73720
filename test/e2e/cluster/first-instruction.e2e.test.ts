import { firstInstruction } from "./first-instruction.ts";
import { openFleet } from "./fleet.ts";

await openFleet();
firstInstruction(2);
