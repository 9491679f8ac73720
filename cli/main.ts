import { runCli } from "./run-cli.ts";
import { start } from "./start.ts";

await start(runCli);
