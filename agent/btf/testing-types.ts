/** Test support: types of C as a compiler writes them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The BTF of `source`, of all types that its variables have. */
export function btfOf(source: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "guardbee-btf-"));
  const [c, object, btf] = ["a.c", "a.o", "a.btf"].map((name) => join(folder, name));
  try {
    writeFileSync(c!, source);
    execFileSync("clang-19", ["-target", "bpf", "-g", "-O1", "-c", c!, "-o", object!]);
    execFileSync("llvm-objcopy-19", ["--dump-section", `.BTF=${btf}`, object!, "/dev/null"]);
    return readFileSync(btf!);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Structs in each way that the kernel has them. */
export const sampleTypes = `
typedef unsigned short umode_t;
typedef struct { unsigned long long val; } kernel_cap_t;
enum color { RED, BLUE = -1 };
enum far_color : unsigned long long { FAR = 1ull << 40 };
struct path { void *mnt; struct dentry *dentry; };
struct dentry { int flags; const unsigned char *name; char iname[32]; };
struct file { umode_t mode; struct path f_path; struct file *next; };
struct inner { int a; union { int b; struct { char c; short d; }; }; };
struct task {
	int pid;
	const volatile char comm[16];
	unsigned before : 3, flag : 1, after : 4;
	int sign : 5;
	struct inner in[4];
	struct inner *out;
	struct file **fds;
	struct file *first;
	kernel_cap_t caps;
	kernel_cap_t *held;
	char *text;
	_Bool yes;
	enum color color;
	enum far_color far_color;
	struct task *next;
	int flexible[];
};
struct file a_file;
struct dentry a_dentry;
struct task a_task;
`;
