import { withLock } from "./lock.ts";
import { stateRoot } from "./state.ts";

/**
 * Waits until no other process holds the lab, and holds it until the returned function is called or
 * this process ends: a run of tests from another checkout would take the cluster down under us.
 */
export async function holdLab(): Promise<() => void> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await new Promise<void>((taken, failed) => {
    const hold = () => {
      taken();
      return released;
    };
    withLock(`${stateRoot()}.held`, hold).catch(failed);
  });
  return release;
}
