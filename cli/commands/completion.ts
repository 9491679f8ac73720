import { type Command, exit } from "../command.ts";

export const completionShells = ["bash", "zsh", "fish", "powershell"] as const;
export type CompletionShell = (typeof completionShells)[number];
export type CompletionArgs = { readonly shell: CompletionShell | undefined };

export const completion: Command<CompletionArgs> = {
  name: "completion",
  positionals: "[shell]",
  summary: "Print a script that makes a shell complete guardbee's words",
  examples: [
    "completion bash > /etc/bash_completion.d/guardbee",
    "completion fish > ~/.config/fish/completions/guardbee.fish",
  ],
  options: (yargs) =>
    yargs.positional("shell", {
      choices: completionShells,
      describe: "The shell that reads it [default: the one in SHELL, or bash]",
    }),
  async run({ shell }, io) {
    const own = /(?:^|\/)(zsh|fish)$/.exec(io.env.SHELL ?? "")?.[1] as CompletionShell | undefined;
    io.stdout.write(completionScript(shell ?? own ?? "bash", "guardbee"));
    return exit.ok;
  },
};

/** `PROGRAM --get-yargs-completions WORDS` prints what may follow, one a line (see `run-cli.ts`). */
export function completionScript(shell: CompletionShell, program: "guardbee" | "tetra"): string {
  return scripts[shell](program);
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

/** Of yargs, SHELL has a tab behind each word, and what it means. Where no word may follow, a file may. */
const fishScript = (program: string) => `function __${program}_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (env SHELL=fish ${program} --get-yargs-completions $words 2>/dev/null)
  string match -qv -- '-*' $found; or __fish_complete_path (commandline -ct)
  test (count $found) -gt 0; and printf '%s\\n' $found
end
complete -c ${program} -f -a '(__${program}_complete)'
`;

const powershellScript = (
  program: string,
) => `Register-ArgumentCompleter -Native -CommandName ${program} -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements |
    Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object { "$_" })
  if ($wordToComplete -eq '') {
    # Before 7.3 an argument that is empty must be quoted not to be left out.
    $words += if ($PSVersionTable.PSVersion -lt [version]'7.3') { '""' } else { '' }
  }
  $shell = $env:SHELL
  $env:SHELL = 'fish'
  try {
    $found = @(& ${program} --get-yargs-completions @words 2>$null)
  } finally {
    $env:SHELL = $shell
  }
  foreach ($line in $found) {
    $word, $means = $line -split "\`t", 2
    if (-not $word.StartsWith($wordToComplete)) { continue }
    if (-not $means) { $means = $word }
    [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $means)
  }
}
`;

const scripts: Readonly<Record<CompletionShell, (program: string) => string>> = {
  ...{ bash: bashScript, zsh: zshScript, fish: fishScript, powershell: powershellScript },
};
