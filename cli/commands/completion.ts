import { type Command, exit } from "../command.ts";

export type CompletionArgs = { readonly shell: "bash" | "zsh" | undefined };

export const completion: Command<CompletionArgs> = {
  name: "completion",
  positionals: "[shell]",
  summary: "Print a script that makes bash or zsh complete guardbee's words",
  examples: ["completion bash > /etc/bash_completion.d/guardbee", "completion zsh > _guardbee"],
  options: (yargs) =>
    yargs.positional("shell", {
      choices: ["bash", "zsh"] as const,
      describe: "The shell that reads it [default: the one in SHELL]",
    }),
  async run({ shell }, io) {
    const zsh = shell === undefined ? /zsh$/.test(io.env.SHELL ?? "") : shell === "zsh";
    io.stdout.write(completionScript(zsh ? "zsh" : "bash", "guardbee"));
    return exit.ok;
  },
};

/** `PROGRAM --get-yargs-completions WORDS` prints what may follow, one a line (see `run-cli.ts`). */
export function completionScript(shell: "bash" | "zsh", program: "guardbee" | "tetra"): string {
  return shell === "zsh" ? zshScript(program) : bashScript(program);
}

const bashScript = (program: string) => `_${program}_complete() {
  local words
  mapfile -t words < <(${program} --get-yargs-completions "\${COMP_WORDS[@]}" 2>/dev/null)
  mapfile -t COMPREPLY < <(compgen -W "\${words[*]%%:*}" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o bashdefault -o default -F _${program}_complete ${program}
`;

const zshScript = (program: string) => `#compdef ${program}
_${program}() {
  local -a words_found
  words_found=("\${(@f)$(${program} --get-yargs-completions "\${words[@]}" 2>/dev/null)}")
  if [[ -n "\${words_found[1]}" ]]; then
    _describe 'values' words_found
  else
    _default
  fi
}
if [[ "\${zsh_eval_context[-1]}" == "loadautofunc" ]]; then
  _${program} "$@"
else
  compdef _${program} ${program}
fi
`;
