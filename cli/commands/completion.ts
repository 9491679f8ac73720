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
    io.stdout.write(zsh ? zshScript : bashScript);
    return exit.ok;
  },
};

/** `guardbee --get-yargs-completions WORDS` prints what may follow, one a line (see `run-cli.ts`). */
const bashScript = `_guardbee_complete() {
  local words
  mapfile -t words < <(guardbee --get-yargs-completions "\${COMP_WORDS[@]}" 2>/dev/null)
  mapfile -t COMPREPLY < <(compgen -W "\${words[*]%%:*}" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o bashdefault -o default -F _guardbee_complete guardbee
`;

const zshScript = `#compdef guardbee
_guardbee() {
  local -a words_found
  words_found=("\${(@f)$(guardbee --get-yargs-completions "\${words[@]}" 2>/dev/null)}")
  if [[ -n "\${words_found[1]}" ]]; then
    _describe 'values' words_found
  else
    _default
  fi
}
if [[ "\${zsh_eval_context[-1]}" == "loadautofunc" ]]; then
  _guardbee "$@"
else
  compdef _guardbee guardbee
fi
`;
