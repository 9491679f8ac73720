/** Test support: format files of a kernel, and what finds them. */
import { type EventFormat, parseFormat } from "../event-format.ts";

const common = [
  "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;",
  "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;",
  "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;",
  "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;",
].join("\n");

function text(name: string, id: number, ...fields: readonly string[]): string {
  return `name: ${name}\nID: ${id}\nformat:\n${common}\n\n${fields.map((one) => `\t${one}`).join("\n")}\n\nprint fmt: ""\n`;
}

const syscallNumber = "field:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;";

/** As Linux 6.1 writes them. */
export const formatTexts: Readonly<Record<string, string>> = {
  "task/task_rename": text(
    "task_rename",
    120,
    "field:pid_t pid;\toffset:8;\tsize:4;\tsigned:1;",
    "field:char oldcomm[16];\toffset:12;\tsize:16;\tsigned:0;",
    "field:char newcomm[16];\toffset:28;\tsize:16;\tsigned:0;",
    "field:short oom_score_adj;\toffset:44;\tsize:2;\tsigned:1;",
  ),
  "sched/sched_process_exec": text(
    "sched_process_exec",
    300,
    "field:__data_loc char[] filename;\toffset:8;\tsize:4;\tsigned:0;",
    "field:pid_t pid;\toffset:12;\tsize:4;\tsigned:1;",
    "field:pid_t old_pid;\toffset:16;\tsize:4;\tsigned:1;",
  ),
  "raw_syscalls/sys_enter": text(
    "sys_enter",
    348,
    "field:long id;\toffset:8;\tsize:8;\tsigned:1;",
    "field:unsigned long args[6];\toffset:16;\tsize:48;\tsigned:0;",
  ),
  "syscalls/sys_enter_lseek": text(
    "sys_enter_lseek",
    700,
    syscallNumber,
    "field:unsigned int fd;\toffset:16;\tsize:8;\tsigned:0;",
    "field:off_t offset;\toffset:24;\tsize:8;\tsigned:0;",
    "field:unsigned int whence;\toffset:32;\tsize:8;\tsigned:0;",
  ),
  "syscalls/sys_exit_lseek": text(
    "sys_exit_lseek",
    699,
    syscallNumber,
    "field:long ret;\toffset:16;\tsize:8;\tsigned:1;",
  ),
  "syscalls/sys_enter_write": text(
    "sys_enter_write",
    701,
    syscallNumber,
    "field:unsigned int fd;\toffset:16;\tsize:8;\tsigned:0;",
    "field:const char * buf;\toffset:24;\tsize:8;\tsigned:0;",
    "field:size_t count;\toffset:32;\tsize:8;\tsigned:0;",
  ),
};

/** The format of one of them. */
export function eventFormat(subsystem: string, event: string): EventFormat | undefined {
  const found = formatTexts[`${subsystem}/${event}`];
  return found === undefined ? undefined : parseFormat(found);
}
