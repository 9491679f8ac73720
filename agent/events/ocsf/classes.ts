/** What an event is in OCSF: a class, and what was done. */
export type Activity = {
  readonly class: keyof typeof classes;
  readonly id: number;
  /** Of 99, Other. */
  readonly name?: string;
};

/** Classes of OCSF 1.5.0 that events become; the category is the class's thousands. */
export const classes = {
  base: 0,
  file: 1001,
  kernelExtension: 1002,
  module: 1005,
  process: 1007,
  network: 4001,
} as const;

/** What the first argument of a hook is about, by the name of its member in a line. */
const subjects: Readonly<Record<string, keyof typeof classes>> = {
  sock_arg: "network",
  sockaddr_arg: "network",
  skb_arg: "network",
  module_arg: "kernelExtension",
  file_arg: "file",
  path_arg: "file",
  linux_binprm_arg: "process",
};

/** What a function does, by its name without the prefix of a system call; the first that matches. */
const activities: Readonly<Record<keyof typeof classes, readonly (readonly [RegExp, number])[]>> = {
  network: [
    [/connect/, 1],
    [/close|shutdown|release/, 2],
    [/bind|listen/, 7],
    [/send|recv|xmit|rcv/, 6],
  ],
  kernelExtension: [
    [/delete_module|free_module|module_free/, 2],
    [/./, 1],
  ],
  file: [
    [/unlink|rmdir/, 4],
    [/rename/, 5],
    [/chmod|setattr|utime|setxattr/, 6],
    [/chown/, 7],
    [/umount/, 13],
    [/mount/, 12],
    [/getattr|stat/, 8],
    [/mkdir|mknod|creat|symlink|link/, 1],
    [/open|fd_install/, 14],
    [/write|truncate|sendfile|splice/, 3],
    [/read|getdents/, 2],
  ],
  module: [[/./, 1]],
  process: [[/bprm|exec/, 1]],
  base: [],
};

/** What a hook's call is. `member`: of its first argument that is about something. */
export function activityOf(functionName: string, members: readonly string[]): Activity {
  const name = functionName.replace(/^__(x64|arm64|ia32)_sys_|^sys_/, "");
  const member = members.find((one) => one in subjects);
  const subject = member === undefined ? "process" : subjects[member]!;
  const kind = subject === "file" && /mmap/.test(name) ? "module" : subject;
  const id = activities[kind].find(([pattern]) => pattern.test(name))?.[1];
  return id === undefined ? { class: kind, id: 99, name } : { class: kind, id };
}
