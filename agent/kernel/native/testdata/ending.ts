import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { native, open } from "./fixture.ts";

// A process that ends while records flow: argv names the compiled events.bpf.c and the ending.
const [path = "", ending = ""] = process.argv.slice(2);

if (ending === "terminate" && isMainThread) {
  const worker = new Worker(fileURLToPath(import.meta.url), { argv: [path, ending] });
  worker.once("message", () => worker.terminate().then(() => process.exit(9)));
} else {
  process.on("uncaughtException", (error) => process.exit(error.message === "boom" ? 8 : 1));
  const object = open(path, { repeat: 1000 });
  object.attach("on_exec");
  const reader = native.openRings(object.mapFd("events"));
  for (let i = 0; i < 5; i++) spawnSync("/bin/true");
  while (await reader.read()) {
    if (ending === "exit") process.exit(7);
    if (ending === "throw") throw new Error("boom");
    parentPort?.postMessage("records flow");
    for (let i = 0; i < 100; i++) spawnSync("/bin/true");
  }
}
