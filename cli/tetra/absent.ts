import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "../command.ts";
import { UsageError } from "../command.ts";
import { tetraCommand } from "./command.ts";

/** It ends with 1 and says what to use in its place. */
export function absentCommand(name: string, instead: string): Command {
  return tetraCommand({
    ...{ name, positionals: "[words..]", example: name, isHidden: true },
    summary: `Is not there: ${instead}`,
    options: (yargs) => yargs.positional("words", { type: "string", array: true }).strict(false),
    async run() {
      throw new UsageError(`${name} is not there: ${instead}`);
    },
  });
}

export const cgroupId = tetraCommand<{ readonly file: string }>({
  ...{ name: "policyfilter cgroupid", positionals: "<file>", isHidden: true },
  example: "policyfilter cgroupid /sys/fs/cgroup/system.slice",
  summary: "Print the number of a cgroup",
  options: (yargs) => yargs.positional("file", { type: "string" }),
  async run({ file }, io) {
    const path = resolve(io.cwd, file);
    readFileSync(resolve(path, "cgroup.procs")); // of a cgroup alone the inode number is that
    io.stdout.write(`${statSync(path, { bigint: true }).ino}\n`);
  },
});
