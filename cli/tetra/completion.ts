import {
  type CompletionShell,
  completionScript,
  completionShells,
} from "../commands/completion.ts";
import { tetraCommand } from "./command.ts";

export const completion = tetraCommand<{ readonly shell: CompletionShell }>({
  ...{ name: "completion", positionals: "<shell>", example: "completion bash" },
  summary: "Print a script that makes a shell complete tetra's words",
  options: (yargs) =>
    yargs.positional("shell", {
      choices: completionShells,
      describe: "The shell that reads it",
    }),
  async run({ shell }, io) {
    io.stdout.write(completionScript(shell, "tetra"));
  },
});
