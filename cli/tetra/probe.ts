import { readFileSync } from "node:fs";
import { askUpstreamProbes, readKernelConfig, shownConfig } from "@guardbee/agent/kernel-probes";
import { UsageError } from "../command.ts";
import { tetraCommand } from "./command.ts";

/** Also `probe config`: what is asked is a word behind it. */
export const probe = tetraCommand<{ readonly what?: "config" }>({
  ...{ name: "probe", positionals: "[what]", example: "probe" },
  summary: "Say what this machine's kernel can do; probe config: with which options it was built",
  options: (yargs) => yargs.positional("what", { choices: ["config"] as const }),
  async run({ what }, io) {
    if (what === "config") {
      const text = readKernelConfig();
      if (text === undefined) {
        throw new UsageError(
          "this kernel's configuration is neither in /proc/config.gz nor in /boot or /lib/modules",
        );
      }
      io.stdout.write(
        shownConfig(text)
          .map(([name, value]) => `${name}:${value}\n`)
          .join(""),
      );
      return;
    }
    if (!hasSysAdmin()) {
      io.stderr.write(
        "warning: for accurate results, you may need to run as root and/or with sufficient capabilities.\n",
      );
    }
    io.stdout.write(
      askUpstreamProbes()
        .map(([name, has]) => `${name}: ${has}\n`)
        .join(""),
    );
  },
});

const sysAdmin = 1n << 21n; // CAP_SYS_ADMIN

function hasSysAdmin(): boolean {
  const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
  return digits === undefined || (BigInt(`0x${digits}`) & sysAdmin) !== 0n;
}
