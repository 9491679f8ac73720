import { basename } from "node:path";
import { type Image, joinArguments } from "./image.ts";

/**
 * Whether `image` may be one of a container's probes: it runs what one of their commands says. A
 * command that is a path is compared as a whole, a name with the end of the binary's path. Of a script
 * the kernel puts the path behind the interpreter, as an argument.
 */
export function maybeExecProbe(
  { binary, arguments: args }: Pick<Image, "binary" | "arguments">,
  commands: readonly (readonly string[])[],
): boolean {
  return commands.some(([program = "", ...rest]) => {
    const isIt = program.startsWith("/") ? binary === program : basename(binary) === program;
    if (!isIt) return false;
    return [rest, [program, ...rest], [binary, ...rest]].some((one) => args === joinArguments(one));
  });
}
