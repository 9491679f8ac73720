// Runs in the guest: measures the scenarios that it is ordered to, in their order.
import { encodeMessage, type Message, type Order } from "../messages.ts";
import { measureAgent } from "./agent.ts";
import { measureFlood } from "./flood.ts";
import { measureKernel } from "./kernel.ts";

const tell = (message: Message): void => console.log(encodeMessage(message));
const order = JSON.parse(process.argv[2]!) as Order; // our own run.ts wrote it

if (order.machine === "kernel") await measureKernel(order.scenarios, tell);
else if (order.machine === "flood") await measureFlood(order.scenarios, tell);
else await measureAgent(order.scenarios, tell);
process.exit(0);
