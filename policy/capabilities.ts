/** Linux capabilities by number (include/uapi/linux/capability.h): CAP_SYS_ADMIN is 21. */
export const capabilityNames = [
  ...["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID"],
  ...["CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE"],
  ...["CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW"],
  ...["CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT"],
  ...["CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE"],
  ...["CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE"],
  ...["CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE"],
  ...["CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ"],
  ...["CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE"],
] as readonly string[];

/** The name of a capability as upstream's events have it; undefined: it has none. */
export function capabilityName(number: number): string | undefined {
  return number === 1 ? "DAC_OVERRIDE" : capabilityNames[number];
}

/** The number of `name` in any case; `DAC_OVERRIDE` without CAP_ is how upstream spells that one. */
export function capabilityNumber(name: string): number | undefined {
  const upper = name.toUpperCase();
  const number = capabilityNames.indexOf(upper === "DAC_OVERRIDE" ? "CAP_DAC_OVERRIDE" : upper);
  return number === -1 ? undefined : number;
}
