// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The engine on this machine, without a kernel: takes tables and calls on standard input and answers
 * each call with what the engine did. The task, its files and their paths are structs of kernel.h
 * that are built for each call. agent/kernel/testing/native-engine.ts is the other side.
 *
 *   B  executables' ids: exact, by prefix and by postfix
 *   P  an attach point: program constants and the tables of one slot
 *   C  a call: answered
 */
#define CALLS_MAX 2	/* a call that did not give its memory back would leave none for the next */
#include "../attach/returned.h"
#include "../attach/tracepoint.h"
#include "helpers.h"
#include "objects.h"
#include "paths.h"
#include "points.h"
#include "request.h"
#include "task.h"

#define DEPTH_MAX 16	/* of cgroups */

/* Where 32-bit pointers reach it. */
static char (*buffers)[TEXT_MAX + 1];
static __u32 buffer_sizes[FIELDS_MAX];

static void make_buffers(void)
{
	buffers = shim_low_memory(FIELDS_MAX * sizeof(*buffers));
	in_parts = shim_low_memory(PARAMETERS_MAX * sizeof(*in_parts));
}

/* Of the present call: parameters of which it cannot be told what they are. */
static __u32 unread;

static void set_unread(void)
{
	for (__u32 i = 0; i < CALLS_MAX; i++)
		((struct call_scratch *)bpf_map_lookup_elem(&call_scratch, &i))->unread =
			unread & ((1u << FIRST_PATH) - 1);
}

/*
 * Parameters: 0 a number, 1 a file by id, 2 a buffer, 3 memory that cannot be read, 64 one that cannot
 * be read itself, and what objects.h has from 4 on.
 */
static void take_parameters(__u64 *values)
{
	__u32 count = take_count(FIELDS_MAX);

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
			buffers[i][size] = 0;
			buffer_sizes[i] = size;
			values[i] = (__u64)buffers[i];
			break;
		case 3:
			values[i] = 8;
			break;
		case 64:
			unread |= 1u << i;
			break;
		default:
			values[i] = take_object(i, kind);
		}
	}
}

static __u32 followed_count;

static void count_followed(const void *file, const void *groups)
{
	followed_count++;
}

static void answer_followed(const void *key, const void *value)
{
	const struct followed_file *entry = value;
	__u64 file, groups = entry->groups;

	__builtin_memcpy(&file, key, sizeof(file));
	for (__u32 i = 0; i < opened_count; i++) {
		if ((__u64)&opened[i].file == file) {
			answer_u32(opened_ids[i]);
			shim_answer(&groups, sizeof(groups));
			return;
		}
	}
	shim_fail("a followed file that is not open");
}

#define NO_POINT 0xffffffffu

/* A call: its registers, where programs at both its ends find them. */
struct registers {
	__u64 context[PARAMETERS_MAX + 1];
	struct pt_regs regs;
};

static void set_registers(struct registers *to, const __u64 *values, bool on_exec)
{
	const __u64 upper = 0xbadc0ffeULL << 32; /* which a 64-bit process may leave there */
	const struct pt_regs own = {.di = values[0], .si = values[1], .dx = values[2],
				    .r10 = values[3], .r8 = values[4]};
	const struct pt_regs narrow = {.bx = upper | values[0], .cx = upper | values[1],
				       .dx = upper | values[2], .si = upper | values[3],
				       .di = upper | values[4]};

	to->regs = spec.syscall == SYSCALL_32BIT ? narrow : own;
	if (on_exec || !spec.syscall || spec.syscall == SYSCALL_OF_PROGRAM)
		__builtin_memcpy(to->context, values, PARAMETERS_MAX * sizeof(*values));
	else
		to->context[0] = (__u64)&to->regs;
}

#define RECORD_FIELDS 256	/* bytes of fields; what they lead to comes behind them */

/* Writes field `index` of a tracepoint's record; the result is where the next bytes go. */
static __u32 write_field(char *record, __u32 index, __u64 value, __u32 end)
{
	const volatile struct field *field = &spec.fields[index];
	char *at = record + field->offset;
	__u32 size = buffer_sizes[index], where = end | size << 16;

	switch ((enum field_kind)field->kind) {
	case FIELD_NONE:
		return end;
	case FIELD_UNSIGNED:
	case FIELD_SIGNED:
		__builtin_memcpy(at, &value, field->size);
		return end;
	case FIELD_ARRAY:
		__builtin_memcpy(at, buffers[index], size < field->size ? size : field->size);
		return end;
	case FIELD_REL_LOC:
		where -= field->offset + sizeof(where);
		break;
	case FIELD_DATA_LOC:
		break;
	}
	__builtin_memcpy(at, &where, sizeof(where));
	__builtin_memcpy(record + end, buffers[index], size);
	record[end + size] = 'x'; /* what is behind it is none of it */
	return end + size + 1;
}

/* Runs the program at a tracepoint, of whose record `values` are the fields. */
static void run_event(__u32 point, const __u64 *values)
{
	static char record[RECORD_FIELDS + 4 * (TEXT_MAX + 2)];
	__u32 end = RECORD_FIELDS;

	use(&points[point]);
	__builtin_memset(record, 0, sizeof(record));
	for (__u32 i = 0; i < FIELDS_MAX; i++)
		end = write_field(record, i, values[i], end);
	tracepoint__run(record);
}

/* Runs the program that decides; where it leaves that, also the one that does when the file was hashed. */
static long run_hook(struct point *point, struct registers *registers)
{
	long returned;

	if (!(spec.use & USE_DIGESTS))
		return trampoline__run(registers->context, false);
	if (!hash__is_due(registers->context))
		shim_fail("a hash is being made");
	returned = trampoline__run(registers->context, false);
	if (now.hash.digest_frame != (__u64)registers->context)
		return returned;
	if (returned)
		shim_fail("what was left to the next program is answered");
	now.hash.algorithm = now.has_digest ? HASH_ALGO_SHA256 : -1;
	now.hash.is_lasting = 1;
	__builtin_memcpy(now.hash.bytes, now.digest, sizeof(now.digest));
	point->spec.is_hashed = 1;
	use(point);
	if (hash__is_due(registers->context))
		returned = trampoline__run(registers->context, false);
	point->spec.is_hashed = 0;
	use(point);
	return returned;
}

/* Runs the programs at both ends of a call as the kernel does; `other` may be NO_POINT. */
static long run(__u32 point, __u32 other, const __u64 *values, __u64 result, bool on_exec)
{
	struct registers registers = {};
	long returned;

	use(&points[point]);
	set_registers(&registers, values, on_exec);
	for (__u32 i = 0; i < spec.path_count; i++) {
		__u32 source = spec.paths[i].source, index = FIRST_PATH + i;

		write_path(i, source < PARAMETERS_MAX ? values[source] : (__u64)&now.task, values[index],
			   unread & 1u << index);
	}
	returned = run_hook(&points[point], &registers);
	if (other == NO_POINT)
		return returned;
	use(&points[other]);
	registers.context[PARAMETERS_MAX] = returned ? (__u64)returned : result;
	returned__hook(registers.context);
	return returned;
}

/* Where pods are, and the cgroup of the process: from the first level down, which have a class. */
static struct shim_map *take_cgroups(void)
{
	struct shim_map *classes = shim_map_new(SHIM_HASH, sizeof(__u64), sizeof(__u32), DEPTH_MAX);

	scope_state.place = take_u32();
	scope_state.level = take_u32();
	scope_state.root = take_u32();
	cgroup_depth = take_count(DEPTH_MAX);
	for (__u64 id = 1; id <= cgroup_depth; id++) {
		bool has_class = take_u8();
		__u32 class = take_u32();

		if (has_class)
			shim_map_put(classes, &id, &class);
	}
	shim_bind(&cgroup_class, classes);
	return classes;
}

/* The table of followed files: those of the call, with room for others or without. */
static struct shim_map *take_followed(void)
{
	__u32 has_room = take_u32(), count = take_count(FILES_MAX);
	struct shim_map *files = shim_map_new(SHIM_HASH, sizeof(__u64), sizeof(struct followed_file),
					      has_room ? FILES_MAX : count);

	for (__u32 i = 0; i < count; i++) {
		__u64 file = (__u64)file_of(take_u32());
		struct followed_file entry = {.groups = take_u64()};

		shim_map_put(files, &file, &entry);
	}
	shim_bind(&followed, files);
	return files;
}

/* What is followed in the process's pod, of which some groups cannot be told of it. */
static struct shim_map *take_share(void)
{
	struct shim_map *shares = shim_map_new(SHIM_HASH, sizeof(__u64),
					       sizeof(struct follow_share), 1);
	struct follow_share share = {.lost = take_u64()};
	__u64 pod = share__pod();

	engine_state.pod_files = FILES_MAX;
	follow_state.lost = share.lost;
	if (share.lost) {
		now.info.flags |= PROCESS_SHARES_FILES;
		shim_map_put(shares, &pod, &share);
	}
	shim_bind(&follow_shares, shares);
	return shares;
}

/* Which of a processor's memories other calls have, a bit each. */
static void use_memory(__u64 in_use)
{
	__u32 zero = 0;

	*(__u64 *)bpf_map_lookup_elem(&calls_in_use, &zero) = in_use;
}

/* The socket that the call is given: its parameter 0. */
static __u64 sock_key(const __u64 *values)
{
	return values[0] == (__u64)&objects[0].socket ? (__u64)&objects[0].sock : values[0];
}

/* Whom the call's socket is tracked for; 0: nobody. */
static struct shim_map *take_tracker(const __u64 *values)
{
	struct shim_map *socks = shim_map_new(SHIM_HASH, sizeof(__u64), sizeof(struct sock_owner), 4);
	struct sock_owner owner = {.process.pid = take_u32()};
	__u64 key = sock_key(values);

	if (owner.process.pid)
		shim_map_put(socks, &key, &owner);
	shim_bind(&tracked_socks, socks);
	return socks;
}

static void answer_tracker(const __u64 *values)
{
	__u64 key = sock_key(values);
	struct sock_owner *owner = bpf_map_lookup_elem(&tracked_socks, &key);

	answer_u32(owner ? owner->process.pid : 0);
}

/* Events that wait for calls to return, and where there is no room for any. */
static struct shim_map *waits, *no_waits;

/* Policies by number, and what each has left for the thread. */
static void take_notices(void)
{
	__u32 count = take_count(NOTICES_MAX);

	__builtin_memset(&left, 0, sizeof(left));
	for (__u32 i = 0; i < count; i++)
		shim_take(&left.of[i], sizeof(left.of[i]));
}

static void take_call(void)
{
	struct shim_map *files, *shares, *classes, *socks, *others;
	__u64 values[FIELDS_MAX] = {}, result;
	__u32 point = take_u32(), other = take_u32(), flags = take_u32();
	long returned;

	clock_ns = take_u64();
	classes = take_cgroups();
	point_number = point;
	if (point >= point_count || (other >= point_count && other != NO_POINT))
		shim_fail("an attach point that was not described");
	__builtin_memset(&now, 0, sizeof(now));
	did.event_bytes = did.signal_count = 0;
	take_process();
	take_files();
	unread = 0;
	take_parameters(values);
	set_unread();
	result = take_u64();
	files = take_followed();
	shares = take_share();
	socks = take_tracker(values);
	others = shim_map_new(SHIM_HASH, sizeof(struct share_key), sizeof(struct table_share), 4);
	shim_bind(&table_shares, others);
	take_notices();
	shim_bind(&waiting_events, flags & 4 ? no_waits : waits);
	if (flags & 2)
		use_memory(~0ULL);
	returned = 0;
	if (flags & 8)
		run_event(point, values);
	else
		returned = run(point, other, values, result, flags & 1);
	if (flags & 2)
		use_memory(0);
	answer_u32((__u32)returned);
	answer_u32(did.signal_count);
	shim_answer(did.signals, did.signal_count * sizeof(*did.signals));
	answer_u32(did.event_bytes);
	shim_answer(did.events, did.event_bytes);
	followed_count = 0;
	shim_map_each(files, count_followed);
	answer_u32(followed_count);
	shim_map_each(files, answer_followed);
	answer_tracker(values);
	shim_answer(&left, sizeof(left));
	shim_map_free(files);
	shim_map_free(shares);
	shim_map_free(socks);
	shim_map_free(others);
	shim_map_free(classes);
}

int main(void)
{
	make_mounts();
	make_buffers();
	shim_bind(&call_scratch,
		  shim_map_new(SHIM_ARRAY, 4, SCRATCH_SIZE + SCRATCH_BITMAPS * 8 * WORDS_MAX, CALLS_MAX));
	shim_bind(&calls_in_use, shim_map_new(SHIM_ARRAY, 4, sizeof(__u64), 1));
	waits = shim_map_new(SHIM_HASH, sizeof(struct waiting_key), sizeof(struct waiting_event), 64);
	no_waits = shim_map_new(SHIM_HASH, sizeof(struct waiting_key), sizeof(struct waiting_event), 0);
	shim_bind(&waiting_large,
		  shim_map_new(SHIM_HASH, sizeof(struct waiting_key), WAITING_LARGE_SIZE, 64));
	shim_bind(&losses, shim_map_new(SHIM_ARRAY, 4, sizeof(__u64), LOSS_MAX));
	/* An array: it has an entry for each number, as the agent sees to. */
	shim_bind(&stops, shim_map_new(SHIM_ARRAY, 4, sizeof(struct hook_stops), 8192));
	shim_bind(&protected_binaries, shim_map_new(SHIM_HASH, BINARY_SIZE, 4, 1));
	for (;;) {
		switch (take_u8()) {
		case 'B':
			take_binaries();
			shim_map_free(windows_by_owner);
			windows_by_owner = shim_map_new(SHIM_HASH, sizeof(__u64),
							sizeof(struct aggregate_windows), CALLS_OF_SET);
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
