import type { Io } from "../command.ts";

/** Where the differences that are known stand. */
export const differences = "docs/reference/rego.md#differences-from-opa-eval";

/** What fewer of are done before anybody asks how far it is. */
const longWork = 200;

/** Tells on standard error how far long work is: at each tenth of it. */
export function progress(what: string, io: Io): (done: number, all: number) => void {
  return (done, all) => {
    const tenth = Math.ceil(all / 10);
    if (all >= longWork && done % tenth === 0) io.stderr.write(`${done} of ${all} ${what}\n`);
  };
}
