import type { compareOffline } from "@guardbee/operator/offline";
import type { Io } from "../command.ts";
import { differences, progress } from "./compare-output.ts";

type Parameters3 = Parameters<typeof compareOffline>;

/**
 * Tells where `opa eval` and Guardbee part on a generator; whether they give the same, but for the
 * order of lists. Undefined when the generator cannot be evaluated, which evaluating it will tell.
 */
export async function tellComparison(
  policy: unknown,
  inventory: Parameters3[1],
  options: Omit<Parameters3[2], "onProgress">,
  io: Io,
): Promise<boolean | undefined> {
  const { compareOffline } = await import("@guardbee/operator/offline");
  const onProgress = progress("evaluations", io);
  const compared = await compareOffline(policy, inventory, { ...options, onProgress }, io.signal);
  if (!compared.ok) return undefined;
  const { evaluations, partings } = compared.value;
  for (const { of, kind, at, opa, guardbee } of partings) {
    const what =
      kind === "order"
        ? "gives a list in another order than opa eval; sort what comes from a set or an object"
        : "gives something else than opa eval";
    io.stderr.write(`${kind === "order" ? "warning: " : ""}${of}${at}: ${what}\n`);
    io.stderr.write(`  opa eval: ${opa}\n  guardbee: ${guardbee}\n`);
  }
  const orders = partings.filter(({ kind }) => kind === "order").length;
  const different = partings.length - orders;
  const told = [
    `${evaluations - partings.length} the same`,
    ...(orders > 0 ? [`${orders} in another order`] : []),
    ...(different > 0 ? [`${different} different; see ${differences}`] : []),
  ];
  io.stderr.write(`${evaluations} evaluations beside opa eval: ${told.join(", ")}\n`);
  return different === 0;
}
