// SPDX-License-Identifier: Apache-2.0
/*
 * Test support: ways to reach another process by a socket. The other end is a socket of this process,
 * that listens or is bound. args: for those that begin outside of it, the cgroup's folder.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/vm_sockets.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "attempt.h"

static struct sockaddr_in to; /* below 4 GiB */
static int listener;

static int a_socket(int family, int type, int protocol)
{
	return check(socket(family, type, protocol), "socket");
}

/* Binds `at` to a free port, which `to` names from then on. */
static int bound(int at)
{
	socklen_t size = sizeof(to);

	to = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	check(bind(at, (void *)&to, sizeof(to)), "bind");
	check(getsockname(at, (void *)&to, &size), "getsockname");
	return at;
}

static int unconnected(void)
{
	listener = bound(a_socket(AF_INET, SOCK_STREAM, 0));
	check(listen(listener, 8), "listen");
	return a_socket(AF_INET, SOCK_STREAM, 0);
}

/* Ends as denied unless `at` has a peer. */
static void check_peer(int at)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	check(getpeername(at, (void *)&peer, &size), "getpeername");
}

static void connect_it(int at)
{
	check(connect(at, (void *)&to, sizeof(to)), "connect");
	check_peer(at);
}

static void by_connect(char **args)
{
	(void)args;
	connect_it(unconnected());
}

static void by_int80(char **args)
{
	int at = unconnected();

	(void)args;
	check(int80(362, at, (long)&to, sizeof(to), 0), "int $0x80");
	check_peer(at);
}

static void by_socketcall(char **args)
{
	static unsigned int words[3];
	int at = unconnected();

	(void)args;
	words[0] = at;
	words[1] = (unsigned long)&to;
	words[2] = sizeof(to);
	check(int80(102, 3 /* SYS_CONNECT */, (long)words, 0, 0), "socketcall");
	check_peer(at);
}

static void by_uring(char **args)
{
	int at = unconnected();
	struct uring ring;

	(void)args;
	uring_open(&ring);
	check(uring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_CONNECT, .fd = at,
						    .addr = (unsigned long)&to, .off = sizeof(to)}),
	      "a connect by io_uring");
	check_peer(at);
}

static void by_fast_open(char **args)
{
	int at = unconnected();

	(void)args;
	check(sendto(at, "hi", 2, MSG_FASTOPEN, (void *)&to, sizeof(to)), "MSG_FASTOPEN");
	check_peer(at);
}

/* connect(2) says yes at once, and the first write connects. */
static void by_fast_open_connect(char **args)
{
	int at = unconnected(), on = 1;

	(void)args;
	check(setsockopt(at, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)), "TCP_FASTOPEN_CONNECT");
	check(connect(at, (void *)&to, sizeof(to)), "connect");
	check(write(at, "hi", 2), "write");
	check_peer(at);
}

static void by_mptcp(char **args)
{
	int plain = unconnected(), at = a_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);

	(void)args;
	close(plain);
	connect_it(at);
}

static void without_blocking(char **args)
{
	int plain = unconnected(), at = a_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd waiting = {.fd = at, .events = POLLOUT};

	(void)args;
	close(plain);
	if (connect(at, (void *)&to, sizeof(to)) && errno != EINPROGRESS)
		fail("connect");
	poll(&waiting, 1, 5000);
	check_peer(at);
}

static void *connect_in_thread(void *at)
{
	connect_it(*(int *)at);
	return NULL;
}

static void from_thread(char **args)
{
	int at = unconnected();
	pthread_t thread;

	(void)args;
	if (pthread_create(&thread, NULL, connect_in_thread, &at))
		fail("pthread_create");
	pthread_join(thread, NULL);
}

static void received(char **args)
{
	int ends[2], at = unconnected(), child;

	(void)args;
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	child = check(fork(), "fork");
	if (child == 0) {
		connect_it(receive_descriptor(ends[1]));
		_exit(0);
	}
	send_descriptor(ends[0], at);
	wait_for(child);
}

/* args: the cgroup's folder. A socket that is connected by another process, for which no policy holds. */
static void connected_outside(char **args)
{
	int ends[2], at = unconnected(), child;

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	child = check(fork(), "fork");
	if (child == 0) {
		enter_cgroup(args[0]);
		check(send(receive_descriptor(ends[1]), "hi", 2, 0), "send");
		_exit(0);
	}
	connect_it(at);
	send_descriptor(ends[0], at);
	wait_for(child);
}

/* args: the cgroup's folder. */
static void connected_before(char **args)
{
	int at = unconnected();

	connect_it(at);
	enter_cgroup(args[0]);
	check(send(at, "hi", 2, 0), "send");
}

/* A datagram must have come to `at`, or somebody held it up on its way. */
static void check_datagram(int at)
{
	char bytes[2048];

	check(recv(at, bytes, sizeof(bytes), MSG_DONTWAIT), "no datagram came");
}

static void by_udp(char **args)
{
	int other = bound(a_socket(AF_INET, SOCK_DGRAM, 0)), at = a_socket(AF_INET, SOCK_DGRAM, 0);

	(void)args;
	check(sendto(at, "hi", 2, 0, (void *)&to, sizeof(to)), "sendto");
	check_datagram(other);
}

static void by_raw(char **args)
{
	int other = bound(a_socket(AF_INET, SOCK_DGRAM, 0)), at = a_socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
	struct { unsigned short source, to, length, sum; char text[2]; } datagram = {
		htons(1), to.sin_port, htons(10), 0, "hi",
	};

	(void)args;
	check(sendto(at, &datagram, 10, 0, (void *)&to, sizeof(to)), "sendto");
	check_datagram(other);
}

static void by_packet(char **args)
{
	int other = a_socket(AF_PACKET, SOCK_DGRAM, htons(0x88b5)), at = a_socket(AF_PACKET, SOCK_DGRAM, 0);
	struct sockaddr_ll device = {
		.sll_family = AF_PACKET, .sll_protocol = htons(0x88b5),
		.sll_ifindex = if_nametoindex("lo"), .sll_halen = 6,
	};

	(void)args;
	check(sendto(at, "hi", 2, 0, (void *)&device, sizeof(device)), "sendto");
	check_datagram(other);
}

static void by_vsock(char **args)
{
	int other = a_socket(AF_VSOCK, SOCK_STREAM, 0), at = a_socket(AF_VSOCK, SOCK_STREAM, 0);
	struct sockaddr_vm local = {.svm_family = AF_VSOCK, .svm_port = 7001, .svm_cid = VMADDR_CID_ANY};

	(void)args;
	check(bind(other, (void *)&local, sizeof(local)), "bind");
	check(listen(other, 1), "listen");
	local.svm_cid = VMADDR_CID_LOCAL;
	check(connect(at, (void *)&local, sizeof(local)), "connect");
}

static void by_unix(char **args)
{
	int other = a_socket(AF_UNIX, SOCK_STREAM, 0), at = a_socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/bypass/socket"};

	(void)args;
	unlink(name.sun_path);
	check(bind(other, (void *)&name, sizeof(name)), "bind");
	check(listen(other, 1), "listen");
	check(connect(at, (void *)&name, sizeof(name)), "connect");
}

const struct attempt connects[] = {
	{"connect", 0, by_connect},
	{"connect-int80", 0, by_int80},
	{"connect-socketcall", 0, by_socketcall},
	{"connect-uring", 0, by_uring},
	{"fast-open", 0, by_fast_open},
	{"fast-open-connect", 0, by_fast_open_connect},
	{"mptcp", 0, by_mptcp},
	{"connect-later", 0, without_blocking},
	{"connect-thread", 0, from_thread},
	{"connect-received", 0, received},
	{"connected-outside", 1, connected_outside},
	{"connected-before", 1, connected_before},
	{"udp", 0, by_udp},
	{"raw", 0, by_raw},
	{"packet", 0, by_packet},
	{"vsock", 0, by_vsock},
	{"unix", 0, by_unix},
	{NULL, 0, NULL},
};
