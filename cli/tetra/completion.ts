import { completionScript } from "../commands/completion.ts";
import { tetraCommand } from "./command.ts";

export const completion = tetraCommand<{ readonly shell: "bash" | "zsh" }>({
  ...{ name: "completion", positionals: "<shell>", example: "completion bash" },
  summary: "Print a script that makes bash or zsh complete tetra's words",
  options: (yargs) =>
    yargs.positional("shell", {
      choices: ["bash", "zsh"] as const,
      describe: "The shell that reads it",
    }),
  async run({ shell }, io) {
    io.stdout.write(completionScript(shell, "tetra"));
  },
});
