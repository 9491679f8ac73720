// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The engine on this machine, without a kernel: takes tables and calls on standard input and answers
 * each call with what the engine did. The task, its files and their paths are structs of kernel.h
 * that are built for each call. agent/kernel/testing/native-engine.ts is the other side.
 *
 *   B  executables' ids: exact and by prefix
 *   P  an attach point: program constants and the tables of one slot
 *   C  a call: answered
 */
#include "../attach/trampoline.h"
#include "shim.h"

#define POINTS_MAX 64
#define FILES_MAX 8
#define COMPONENTS_MAX 64
#define TEXT_MAX 4096
#define FDS_MAX 64
#define ANCESTORS_MAX 32
#define ANSWER_MAX (1 << 20)

/* The maps of one attach point. */
struct point {
	struct hook_spec spec;
	struct shim_map *tables, *rows, *numbers, *equals, *prefixes, *actions;
	struct shim_map *inner[5];
};

static struct point points[POINTS_MAX];
static __u32 point_count;
static struct shim_map *exact_ids, *prefix_ids;

/* What the engine did to the present call. */
static struct {
	char events[ANSWER_MAX];
	__u32 event_bytes, signal_count;
	__u32 signals[MATCHES_MAX];
} did;

/* The present task, built anew for each call. */
struct fake_file {
	struct file file;
	struct inode inode;
	struct dentry dentries[COMPONENTS_MAX];
	char path[TEXT_MAX];
};
static struct {
	struct task_struct task, ancestors[ANCESTORS_MAX];
	struct {
		struct pid pid;
		struct upid nested;	/* behind pid.numbers[0] */
	} pids[ANCESTORS_MAX + 1];
	struct pid_namespace namespace;
	struct cred cred;
	struct user_namespace users;
	struct fs_struct fs;
	struct files_struct files;
	struct fdtable table;
	struct file *fds[FDS_MAX];
	struct mm_struct mm;
	struct process_info info;
	bool has_info;
	struct fake_file exe;
} now;
static struct dentry root;
static struct mount mounted, nowhere;
static struct fake_file opened[FILES_MAX];
static __u32 opened_ids[FILES_MAX], opened_count;

static __u8 take_u8(void)
{
	__u8 value;

	shim_take(&value, sizeof(value));
	return value;
}

static __u32 take_u32(void)
{
	__u32 value;

	shim_take(&value, sizeof(value));
	return value;
}

static __u64 take_u64(void)
{
	__u64 value;

	shim_take(&value, sizeof(value));
	return value;
}

static __u32 take_count(__u32 most)
{
	__u32 count = take_u32();

	if (count > most)
		shim_fail("a count that is too large");
	return count;
}

struct task_struct *bpf_get_current_task_btf(void)
{
	return &now.task;
}

__u64 bpf_get_current_cgroup_id(void)
{
	return 1;
}

__u32 bpf_get_smp_processor_id(void)
{
	return 0;
}

__u64 bpf_ktime_get_boot_ns(void)
{
	return 1;
}

void *bpf_task_storage_get(void *map, struct task_struct *task, void *value, __u64 flags)
{
	if (!now.has_info && !(flags & BPF_LOCAL_STORAGE_GET_F_CREATE))
		return NULL;
	now.has_info = true;
	return &now.info;
}

long bpf_send_signal(__u32 signal)
{
	if (did.signal_count == MATCHES_MAX)
		shim_fail("too many signals");
	did.signals[did.signal_count++] = signal;
	return 0;
}

long bpf_ringbuf_output(void *ring, void *record, __u64 size, __u64 flags)
{
	void *to = bpf_ringbuf_reserve(ring, size, flags);

	__builtin_memcpy(to, record, size);
	return 0;
}

void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags)
{
	__u32 at = did.event_bytes;

	if (at + size > ANSWER_MAX - 8)
		shim_fail("too many events");
	did.event_bytes += (size + 7) & ~7u;
	return did.events + at;
}

void bpf_ringbuf_submit(void *record, __u64 flags)
{
}

/* The ring is always empty. */
__u64 bpf_ringbuf_query(void *ring, __u64 what)
{
	return 0;
}

long bpf_get_func_arg(void *context, __u32 index, __u64 *value)
{
	*value = ((__u64 *)context)[index];
	return 0;
}

long bpf_get_func_ret(void *context, __u64 *value)
{
	*value = ((__u64 *)context)[PARAMETERS_MAX];
	return 0;
}

/* A map with entries of `key` bytes (0: an array) and `value` bytes each. */
static struct shim_map *take_map(enum shim_kind kind, __u32 key, __u32 value)
{
	char key_bytes[512], value_bytes[512];
	__u32 count = take_count(1 << 20);
	struct shim_map *map = shim_map_new(kind, key, value, count);

	if (key > sizeof(key_bytes) || value > sizeof(value_bytes))
		shim_fail("an entry that is too large");
	for (__u32 i = 0; i < count; i++) {
		if (kind == SHIM_ARRAY)
			__builtin_memcpy(key_bytes, &i, sizeof(i));
		else
			shim_take(key_bytes, key);
		shim_take(value_bytes, value);
		shim_map_put(map, key_bytes, value_bytes);
	}
	return map;
}

/* A map of maps with `inner` in the slot that is in force; the other slot has none. */
static struct shim_map *in_slot(struct shim_map *inner)
{
	struct shim_map *outer = shim_map_new(SHIM_OF_MAPS, 4, sizeof(void *), 2);
	__u32 slot = engine_state.active;

	shim_map_put(outer, &slot, &inner);
	return outer;
}

/* All attach points go: what follows is another set of policies, in slot `active`. */
static void take_binaries(void)
{
	for (__u32 i = 0; i < point_count; i++) {
		struct point *point = &points[i];
		struct shim_map *outer[] = {point->tables, point->rows, point->numbers,
					    point->equals, point->prefixes, point->actions};

		for (__u32 j = 0; j < sizeof(outer) / sizeof(*outer); j++)
			shim_map_free(outer[j]);
		for (__u32 j = 0; j < 5; j++)
			shim_map_free(point->inner[j]);
	}
	point_count = 0;
	engine_state.active = take_u32() & 1;
	engine_state.binary_generation[engine_state.active] = 1;
	shim_map_free(exact_ids);
	shim_map_free(prefix_ids);
	exact_ids = take_map(SHIM_HASH, BINARY_SIZE, sizeof(__u32));
	prefix_ids = take_map(SHIM_LPM, sizeof(struct binary_prefix_key), sizeof(__u32));
	shim_bind(&binaries_exact, in_slot(exact_ids));
	shim_bind(&binaries_prefix, in_slot(prefix_ids));
}

static void take_point(void)
{
	__u32 words, table_bytes, slot = engine_state.active;
	struct point *point = &points[point_count++];
	void *table;

	if (point_count > POINTS_MAX)
		shim_fail("too many attach points");
	shim_take(&point->spec, sizeof(point->spec));
	words = point->spec.words;
	table_bytes = take_count(sizeof(struct hook_table));
	table = shim_memory(sizeof(struct hook_table));
	shim_take(table, table_bytes);
	point->tables = shim_map_new(SHIM_ARRAY, 4, sizeof(struct hook_table), 2);
	shim_map_put(point->tables, &slot, table);
	point->inner[0] = take_map(SHIM_ARRAY, 4, words == 1 ? 8 : 8 * (words + 1));
	point->inner[1] = take_map(SHIM_HASH, sizeof(struct number_key), 8 * words);
	point->inner[2] = take_map(SHIM_HASH, sizeof(struct equal_key), 8 * words);
	point->inner[3] = take_map(SHIM_LPM, sizeof(struct prefix_key), 8 * words);
	point->inner[4] = take_map(SHIM_ARRAY, 4, sizeof(struct action_entry));
	point->rows = in_slot(point->inner[0]);
	point->numbers = in_slot(point->inner[1]);
	point->equals = in_slot(point->inner[2]);
	point->prefixes = in_slot(point->inner[3]);
	point->actions = in_slot(point->inner[4]);
}

static void use(struct point *point)
{
	shim_set_constants(&spec, &point->spec, sizeof(spec));
	shim_bind(&tables, point->tables);
	shim_bind(&rows, point->rows);
	shim_bind(&numbers, point->numbers);
	shim_bind(&equals, point->equals);
	shim_bind(&prefixes, point->prefixes);
	shim_bind(&actions, point->actions);
}

/* Takes a path and makes it that of `file`. The size ~0: it has none, as a pipe. */
static void take_path(struct fake_file *file)
{
	struct dentry *above = &root;
	__u32 size = take_u32(), at = 0, components = 0;

	__builtin_memset(file, 0, sizeof(*file));
	file->inode.i_mode = 0100644;
	file->file.f_inode = &file->inode;
	if (size == ~0u) {
		file->dentries[0].d_parent = &file->dentries[0];
		file->file.f_path.dentry = &file->dentries[0];
		file->file.f_path.mnt = &nowhere.mnt;
		return;
	}
	if (size > TEXT_MAX)
		shim_fail("a path that is too long");
	shim_take(file->path, size);
	while (at < size) {
		struct dentry *dentry = &file->dentries[components++];
		__u32 start = ++at; /* behind the slash */

		if (components > COMPONENTS_MAX)
			shim_fail("a path that is too deep");
		while (at < size && file->path[at] != '/')
			at++;
		dentry->d_parent = above;
		dentry->d_name.name = (const unsigned char *)file->path + start;
		dentry->d_name.len = at - start;
		dentry->d_hash.pprev = (void *)dentry; /* not deleted */
		above = dentry;
	}
	file->file.f_path.dentry = above;
	file->file.f_path.mnt = &mounted.mnt;
}

static struct file *file_of(__u32 id)
{
	for (__u32 i = 0; i < opened_count; i++)
		if (opened_ids[i] == id)
			return &opened[i].file;
	shim_fail("a file that was not described");
	return NULL;
}

/* Gives a task its pid in the nested namespace; 0: it lives in the host's alone. */
static void number_in_namespace(struct task_struct *task, __u32 index, __u32 nspid)
{
	struct pid *pid = &now.pids[index].pid;
	struct upid upid = {.nr = nspid, .ns = &now.namespace};

	task->thread_pid = pid;
	pid->level = nspid != 0;
	if (nspid)
		__builtin_memcpy((void *)pid->numbers + sizeof(upid), &upid, sizeof(upid));
}

static void take_process(void)
{
	static struct path_buffer late;
	__u32 pid = take_u32(), nspid = take_u32(), ancestors, flags = take_u32();
	struct task_struct *child = &now.task;

	now.task.pid = now.task.tgid = pid;
	now.task.group_leader = &now.task;
	now.task.cred = &now.cred;
	now.task.fs = &now.fs;
	now.task.files = &now.files;
	number_in_namespace(&now.task, 0, nspid);
	now.users.level = flags & 1 ? 0 : 1;
	now.cred.user_ns = &now.users;
	now.cred.cap_effective.bits = take_u64();
	now.cred.cap_permitted.bits = take_u64();
	now.cred.cap_inheritable.bits = take_u64();
	ancestors = take_count(ANCESTORS_MAX - 1);
	for (__u32 i = 0; i < ancestors; i++) {
		now.ancestors[i].tgid = take_u32();
		number_in_namespace(&now.ancestors[i], i + 1, take_u32());
		now.ancestors[i].group_leader = &now.ancestors[i];
		child->real_parent = &now.ancestors[i];
		child = &now.ancestors[i];
	}
	/* above all of them is the idle task */
	child->real_parent = &now.ancestors[ancestors];
	now.ancestors[ancestors].real_parent = &now.ancestors[ancestors];
	now.ancestors[ancestors].group_leader = &now.ancestors[ancestors];
	number_in_namespace(&now.ancestors[ancestors], ancestors + 1, 0);
	now.fs.root.dentry = &root;
	now.fs.root.mnt = &mounted.mnt;
	now.task.mm = &now.mm;
	take_path(&now.exe);
	now.mm.exe_file = &now.exe.file;
	info__create_late(&late);
	if (flags & 2)
		now.info.flags |= PROCESS_PROTECTED;
}

static void take_files(void)
{
	__u32 count;

	opened_count = take_count(FILES_MAX);
	for (__u32 i = 0; i < opened_count; i++) {
		__u32 references;

		opened_ids[i] = take_u32();
		references = take_u32();
		take_path(&opened[i]);
		opened[i].file.f_count.counter = references;
	}
	now.files.fdt = &now.table;
	now.table.max_fds = FDS_MAX;
	now.table.fd = now.fds;
	count = take_count(FDS_MAX);
	for (__u32 i = 0; i < count; i++) {
		__u32 fd = take_count(FDS_MAX - 1);

		now.fds[fd] = file_of(take_u32());
	}
}

/* Parameters: 0 a number, 1 a file by id, 2 a buffer, 3 memory that cannot be read. */
static void take_parameters(__u64 *values, char (*buffers)[TEXT_MAX])
{
	__u32 count = take_count(PARAMETERS_MAX);

	for (__u32 i = 0; i < count; i++) {
		__u8 kind = take_u8();
		__u32 size;

		switch (kind) {
		case 0:
			values[i] = take_u64();
			break;
		case 1:
			values[i] = (__u64)file_of(take_u32());
			break;
		case 2:
			size = take_count(TEXT_MAX);
			shim_take(buffers[i], size);
			values[i] = (__u64)buffers[i];
			break;
		case 3:
			values[i] = 8;
			break;
		default:
			shim_fail("an unknown kind of parameter");
		}
	}
}

static void answer_u32(__u32 value)
{
	shim_answer(&value, sizeof(value));
}

static __u32 followed_count;

static void count_followed(const void *file, const void *groups)
{
	followed_count++;
}

static void answer_followed(const void *key, const void *value)
{
	__u64 file, groups;

	__builtin_memcpy(&file, key, sizeof(file));
	__builtin_memcpy(&groups, value, sizeof(groups));
	for (__u32 i = 0; i < opened_count; i++) {
		if ((__u64)&opened[i].file == file) {
			answer_u32(opened_ids[i]);
			shim_answer(&groups, sizeof(groups));
			return;
		}
	}
	shim_fail("a followed file that is not open");
}

/* Runs the program of one attach point as its kind does. */
static long run(const __u64 *values, __u64 result, bool at_exit, bool on_exec)
{
	struct pt_regs regs = {.di = values[0], .si = values[1], .dx = values[2],
			       .r10 = values[3], .r8 = values[4]};
	__u64 context[PARAMETERS_MAX + 1];

	if (on_exec || !spec.syscall)
		__builtin_memcpy(context, values, PARAMETERS_MAX * sizeof(*values));
	else
		context[0] = (__u64)&regs;
	context[PARAMETERS_MAX] = result;
	return trampoline__run(context, at_exit);
}

static void take_call(void)
{
	static char buffers[PARAMETERS_MAX][TEXT_MAX];
	struct shim_map *files = shim_map_new(SHIM_HASH, sizeof(__u64), sizeof(__u64), FILES_MAX);
	struct shim_map *classes = shim_map_new(SHIM_HASH, sizeof(__u64), sizeof(__u32), 1);
	__u64 values[PARAMETERS_MAX] = {}, result, cgroup = bpf_get_current_cgroup_id();
	__u32 point = take_u32(), flags = take_u32(), class = take_u32(), count;
	long returned;

	if (point >= point_count)
		shim_fail("an attach point that was not described");
	__builtin_memset(&now, 0, sizeof(now));
	did.event_bytes = did.signal_count = 0;
	take_process();
	take_files();
	take_parameters(values, buffers);
	result = take_u64();
	shim_bind(&followed, files);
	count = take_count(FILES_MAX);
	for (__u32 i = 0; i < count; i++) {
		__u64 file = (__u64)file_of(take_u32()), groups = take_u64();

		shim_map_put(files, &file, &groups);
	}
	if (class) /* 0 is the host's, which no cgroup is listed for */
		shim_map_put(classes, &cgroup, &class);
	shim_bind(&cgroup_class, classes);
	use(&points[point]);
	returned = run(values, result, flags & 1, flags & 2);
	answer_u32((__u32)returned);
	answer_u32(did.signal_count);
	shim_answer(did.signals, did.signal_count * sizeof(*did.signals));
	answer_u32(did.event_bytes);
	shim_answer(did.events, did.event_bytes);
	followed_count = 0;
	shim_map_each(files, count_followed);
	answer_u32(followed_count);
	shim_map_each(files, answer_followed);
	shim_map_free(files);
	shim_map_free(classes);
}

int main(void)
{
	root.d_parent = &root;
	mounted.mnt_parent = &mounted;
	mounted.mnt.mnt_root = &root;
	nowhere.mnt_parent = &nowhere;
	shim_bind(&call_scratch, shim_map_new(SHIM_ARRAY, 4, sizeof(struct call_scratch), 1));
	shim_bind(&losses, shim_map_new(SHIM_ARRAY, 4, sizeof(__u64), LOSS_MAX));
	/* An array: it has an entry for each number, as the agent sees to. */
	shim_bind(&stops, shim_map_new(SHIM_ARRAY, 4, sizeof(struct hook_stops), 8192));
	shim_bind(&protected_binaries, shim_map_new(SHIM_HASH, BINARY_SIZE, 4, 1));
	for (;;) {
		switch (take_u8()) {
		case 'B':
			take_binaries();
			break;
		case 'P':
			take_point();
			break;
		case 'C':
			take_call();
			shim_flush();
			break;
		default:
			shim_fail("an unknown request");
		}
	}
}
