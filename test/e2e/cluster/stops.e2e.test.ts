import { openFleet } from "./fleet.ts";
import { stopsAreCounted } from "./stops.ts";

await openFleet();
// No event says that the write was stopped.
stopsAreCounted({ variant: "", actions: ["Sigkill", "NoPost"], enforced: "killed" });
