import { runCli, tetra } from "./run-cli.ts";
import { start } from "./start.ts";

await start((argv, io) => runCli(argv, io, tetra));
