/** What numbers of the kernel's network are called, as upstream knows them. Names are case-sensitive. */

type Names = Readonly<Record<string, number>>;

const inOrder = (prefix: string, names: string, first = 0): Names =>
  Object.fromEntries(names.split(" ").map((name, i) => [prefix + name, first + i]));

/** Families of addresses. */
export const addressFamilies: Names = {
  ...inOrder(
    "AF_",
    "UNSPEC UNIX INET AX25 IPX APPLETALK NETROM BRIDGE ATMPVC X25 INET6 ROSE DECnet",
  ),
  ...inOrder("AF_", "NETBEUI SECURITY KEY NETLINK PACKET ASH ECONET ATMSVC RDS SNA IRDA PPPOX", 13),
  ...inOrder("AF_", "WANPIPE LLC IB MPLS CAN TIPC BLUETOOTH IUCV RXRPC ISDN PHONET IEEE802154", 25),
  ...inOrder("AF_", "CAIF ALG NFC VSOCK KCM QIPCRTR SMC XDP MCTP", 37),
};

/** Types of sockets. */
export const socketTypes: Names = inOrder("SOCK_", "STREAM DGRAM RAW RDM SEQPACKET DCCP", 1);

/** Protocols above IP. */
export const protocols: Names = {
  ...{ IPPROTO_IP: 0, IPPROTO_ICMP: 1, IPPROTO_IGMP: 2, IPPROTO_IPIP: 4, IPPROTO_TCP: 6 },
  ...{ IPPROTO_EGP: 8, IPPROTO_PUP: 12, IPPROTO_UDP: 17, IPPROTO_IDP: 22, IPPROTO_TP: 29 },
  ...{ IPPROTO_DCCP: 33, IPPROTO_IPV6: 41, IPPROTO_RSVP: 46, IPPROTO_GRE: 47, IPPROTO_ESP: 50 },
  ...{ IPPROTO_AH: 51, IPPROTO_MTP: 92, IPPROTO_BEETPH: 94 },
  ...{ IPPROTO_ENCAP: 98, IPPROTO_PIM: 103, IPPROTO_COMP: 108, IPPROTO_SCTP: 132 },
  ...{ IPPROTO_UDPLITE: 136, IPPROTO_MPLS: 137, IPPROTO_ETHERNET: 143, IPPROTO_RAW: 255 },
  IPPROTO_MPTCP: 262,
};

/** States of a socket. */
export const socketStates: Names = inOrder(
  "TCP_",
  "ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING NEW_SYN_RECV",
  1,
);

/** What gives the name of a number, or the number itself where it has none. */
export function namesOf(names: Names): (number: number) => string {
  const byNumber = new Map(Object.entries(names).map(([name, number]) => [number, name]));
  return (number) => byNumber.get(number) ?? `${number}`;
}
