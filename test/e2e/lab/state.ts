import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where the running lab keeps its files: sockets, logs, disks, pid files. Gone after a reboot. */
export function stateRoot(): string {
  return process.env.GUARDBEE_LAB_STATE || "/var/tmp/guardbee-lab";
}

/** Where `down` leaves the logs of the lab that it took down, until the next is taken down. */
export function lastLogs(): string {
  return `${stateRoot()}.last`;
}

/** Held while the lab changes; beside its files, because `down` removes those. */
export function stateLock(): string {
  return `${stateRoot()}.lock`;
}

/** A folder name for one short-lived guest. */
export function guestPrefix(): string {
  return join(tmpdir(), "guardbee-guest-");
}
