import { layout } from "../gen/layout.ts";
import type { Native } from "../kernel/native.ts";

const { key } = layout.process_info.fields;
const ktimeAt = key.at + key.type.fields.ktime.at;

/**
 * The key under which the kernel side knows a running process, or null while it has no record of it:
 * struct process_info of bpf/maps.h, looked up by pidfd as task storage wants.
 */
export function kernelRecords(native: Native, processMap: number) {
  const value = Buffer.alloc(native.mapInfo(processMap).valueSize);
  const key = Buffer.alloc(4);
  return (pid: number): { readonly ktime: bigint } | null => {
    let pidfd: number;
    try {
      pidfd = native.pidfdOpen(pid);
    } catch {
      return null; // gone meanwhile, or a thread that leads no group
    }
    try {
      key.writeInt32LE(pidfd);
      return native.lookup(processMap, key, value)
        ? { ktime: value.readBigUInt64LE(ktimeAt) }
        : null;
    } catch {
      return null; // gone meanwhile
    } finally {
      native.closeFd(pidfd);
    }
  };
}
