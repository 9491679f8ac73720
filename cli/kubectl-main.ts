import { kubectlGuardbee, runCli } from "./run-cli.ts";
import { start } from "./start.ts";

// kubectl runs `kubectl-guardbee` for `kubectl guardbee`, with the words that follow.
await start((argv, io) => runCli(argv, io, kubectlGuardbee));
