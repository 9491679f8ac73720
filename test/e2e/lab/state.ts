import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where the running lab keeps its files: sockets, logs, disks, pid files. Gone after a reboot. */
export function stateRoot(): string {
  return join(process.env.GUARDBEE_LAB_STATE || "/var/tmp/guardbee-lab");
}

/** A folder name for one short-lived guest. */
export function guestPrefix(): string {
  return join(tmpdir(), "guardbee-guest-");
}
