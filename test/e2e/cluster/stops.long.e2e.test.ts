import { openFleet } from "./fleet.ts";
import { stopsAreCounted } from "./stops.ts";

await openFleet();
stopsAreCounted({ variant: "", actions: ["Sigkill", "Post"], enforced: "killed" });
stopsAreCounted({ variant: "-override", actions: ["Override"], enforced: "refused" });
