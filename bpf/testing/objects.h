/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Objects of the kernel that a call is given: one of each kind for each parameter. */
#ifndef GUARDBEE_TESTING_OBJECTS_H
#define GUARDBEE_TESTING_OBJECTS_H

#include "../engine/arg.h"
#include "task.h"

#define PACKET_MAX 256
#define NAME_MAX 16384
#define OBJECT_PARTS_MAX 8

static struct {
	struct sock sock;
	struct socket socket;
	struct sk_buff buffer;
	unsigned char packet[PACKET_MAX];
	struct net_device device;
	struct kiocb kiocb;
	struct linux_binprm binprm;
	struct cred cred;
	struct filename filename;
	char name[NAME_MAX + 1];
	__u64 capabilities;
	struct iov_iter iter;
	char area[AREA_SIZE];	/* where paths lead from it */
} objects[FIELDS_MAX];

/* Of each parameter the parts that it is, where 32-bit pointers reach them. */
static struct in_parts {
	union {
		struct part own[OBJECT_PARTS_MAX];
		struct part_32bit narrow[OBJECT_PARTS_MAX];
	};
	char bytes[OBJECT_PARTS_MAX][NAME_MAX];
} *in_parts;

/* Takes the parts of parameter `index`: how many. */
static __u32 take_parts(__u32 index, bool narrow)
{
	struct in_parts *to = &in_parts[index];
	__u32 count = take_count(OBJECT_PARTS_MAX);

	for (__u32 i = 0; i < count; i++) {
		__u32 size = take_count(NAME_MAX);

		shim_take(to->bytes[i], size);
		if (narrow)
			to->narrow[i] = (struct part_32bit){(__u32)(__u64)to->bytes[i], size};
		else
			to->own[i] = (struct part){(__u64)to->bytes[i], size};
	}
	return count;
}

/* A struct iov_iter: of one part, or of several of which the first few bytes are behind already. */
static void take_iter(__u32 index)
{
	struct iov_iter *iter = &objects[index].iter;
	struct in_parts *parts = &in_parts[index];
	__u64 count = take_parts(index, false), whole = 0;

	for (__u64 i = 0; i < count; i++)
		whole += parts->own[i].size;
	*iter = (struct iov_iter){.iter_type = ITER_IOVEC, .count = whole, .nr_segs = count,
				  .__iov = parts->own};
	if (count != 1)
		return;
	iter->iter_type = ITER_UBUF;
	iter->ubuf = parts->bytes[0];
}

static __u16 take_u16(void)
{
	__u16 value;

	shim_take(&value, sizeof(value));
	return value;
}

/* Family, type, protocol, state, and both ends: ports, then addresses of 16 bytes. */
static void take_sock(struct sock *sk)
{
	struct sock_common *common = &sk->__sk_common;
	__u8 ends[2][16];
	__u16 port;

	__builtin_memset(sk, 0, sizeof(*sk));
	common->skc_family = take_u16();
	sk->sk_type = take_u16();
	sk->sk_protocol = take_u16();
	common->skc_state = take_u16();
	common->skc_num = take_u16();
	port = take_u16();
	common->skc_dport = (__u16)(port << 8 | port >> 8);
	shim_take(ends, sizeof(ends));
	if (common->skc_family == AF_INET) {
		__builtin_memcpy(&common->skc_rcv_saddr, ends[0], 4);
		__builtin_memcpy(&common->skc_daddr, ends[1], 4);
	} else {
		__builtin_memcpy(&common->skc_v6_rcv_saddr, ends[0], 16);
		__builtin_memcpy(&common->skc_v6_daddr, ends[1], 16);
	}
}

enum { FROM_IMAGE, CHANGED, DELETED, ELSEWHERE, OWN_MOUNT };

/* Where the file comes from: see ExecFacts in policy/decide. */
static void take_origin(struct inode *inode, __u64 *overlaid)
{
	__u8 origin = take_u8();

	inode->i_sb = origin == ELSEWHERE ? &elsewhere : origin == OWN_MOUNT ? &of_its_own : &image;
	inode->i_nlink = origin == DELETED ? 0 : 1;
	overlaid[0] = origin == CHANGED ? (__u64)&root : 0;
	overlaid[1] = (__u64)&image;
	mounted.mnt.mnt_sb = detached.mnt.mnt_sb = origin == OWN_MOUNT ? &of_its_own : &image;
}

/* A file by id, effective ids, whose the file makes the process (~0: nobody's), its origin, and flags. */
static void take_exec(struct linux_binprm *binprm, struct cred *cred)
{
	struct file *file = file_of(take_u32());
	struct inode *inode = file->f_inode;
	__u32 user, group, flags;

	*cred = (struct cred){};
	cred->euid.val = take_u32();
	cred->egid.val = take_u32();
	user = take_u32();
	group = take_u32();
	inode->i_uid.val = user;
	inode->i_gid.val = group;
	if (user != ~0u)
		inode->i_mode |= SET_UID;
	if (group != ~0u)
		inode->i_mode |= SET_GID;
	take_origin(inode, ((struct fake_file *)((char *)file - __builtin_offsetof(struct fake_file, file)))->overlaid);
	flags = take_u8();
	now.signal.tty = flags & 1 ? (void *)&root : NULL;
	if (flags & 2)
		now.info.flags |= PROCESS_SENT;
	binprm->filename = "name";
	binprm->interp = flags & 4 ? "/interpreter" : binprm->filename;
	__builtin_memcpy(binprm->buf, flags & 8 ? "#!" : "#/", 2);
	now.has_digest = flags & 16;
	if (now.has_digest)
		shim_take(now.digest, SHA256_SIZE);
	binprm->file = file;
	binprm->cred = cred;
}

/*
 * The value of parameter `index`: 4 a sock, 5 a socket, 6 a packet, 7 a device by name, by id of a file 8
 * its path, 9 its dentry, 10 a kiocb, 11 a linux_binprm, 12 a filename, 13 a set of capabilities, 14 and
 * 15 parts of memory as 64-bit and 32-bit processes have them, 16 an iov_iter of such, and 17 what paths
 * lead from.
 */
static __u64 take_object(__u32 index, __u8 kind)
{
	__u32 size;

	switch (kind) {
	case 4:
		take_sock(&objects[index].sock);
		return (__u64)&objects[index].sock;
	case 5:
		take_sock(&objects[index].sock);
		objects[index].socket.sk = &objects[index].sock;
		return (__u64)&objects[index].socket;
	case 6:
		objects[index].buffer.head = objects[index].packet;
		objects[index].buffer.network_header = 16;
		size = take_count(PACKET_MAX - 16);
		shim_take(objects[index].packet + 16, size);
		return (__u64)&objects[index].buffer;
	case 7:
		__builtin_memset(&objects[index].device, 0, sizeof(objects[index].device));
		shim_take(objects[index].device.name, take_count(DEVICE_NAME_SIZE - 1));
		return (__u64)&objects[index].device;
	case 8:
		return (__u64)&file_of(take_u32())->f_path;
	case 9:
		return (__u64)file_of(take_u32())->f_path.dentry;
	case 10:
		objects[index].kiocb.ki_filp = file_of(take_u32());
		return (__u64)&objects[index].kiocb;
	case 11:
		take_exec(&objects[index].binprm, &objects[index].cred);
		return (__u64)&objects[index].binprm;
	case 13:
		objects[index].capabilities = take_u64();
		return (__u64)&objects[index].capabilities;
	case 14:
		take_parts(index, false);
		return (__u64)in_parts[index].own;
	case 15:
		take_parts(index, true);
		return (__u64)in_parts[index].narrow;
	case 16:
		take_iter(index);
		return (__u64)&objects[index].iter;
	case 17:
		return (__u64)objects[index].area;
	case 12:
		size = take_count(NAME_MAX);
		shim_take(objects[index].name, size);
		objects[index].name[size] = 0;
		objects[index].filename.name = objects[index].name;
		return (__u64)&objects[index].filename;
	}
	shim_fail("an unknown kind of parameter");
	return 0;
}

#endif
