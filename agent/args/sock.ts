import { namesOf, protocols, socketStates, socketTypes } from "@guardbee/policy/sets";
import { enums, layout } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { textField } from "../json/json-text.ts";
import { read } from "../layout/struct.ts";
import type { WireWriter } from "../wire/writer.ts";
import { addressText, endParts, familyName, numberField } from "./address.ts";
import type { ArgCodec, Payload } from "./codec.ts";

const { sock_payload } = layout;
const protocolName = namesOf(protocols);
const typeName = namesOf(socketTypes);
const stateName = namesOf(socketStates);

/** A socket, as an event has it. */
export type SockValue<Type extends string> = {
  readonly type: Type;
  readonly family: number;
  readonly socketType: number;
  readonly protocol: number;
  readonly state: number;
  readonly mark: number;
  readonly priority: number;
  readonly saddr: string;
  readonly daddr: string;
  readonly sport: number;
  readonly dport: number;
  /** Where the kernel has it: equal for what is one socket. */
  readonly cookie: bigint;
};

/** The codec of what is a socket of the kernel. */
export function sockCodec<Type extends string>(type: Type, code: number) {
  return {
    ...{ code, parts: endParts, isNumber: false, minBytes: sock_payload.size },
    decode: ({ records, start }: Payload): SockValue<Type> => {
      const {
        type: socketType,
        saddr,
        daddr,
        zero: _,
        ...same
      } = read(records.subarray(start, start + sock_payload.size), sock_payload);
      const [from, to] = [saddr, daddr].map((bytes) => addressText(bytes, same.family));
      return { type, ...same, socketType, saddr: from!, daddr: to! };
    },
    json: (sock: SockValue<Type>) => `"sock_arg":{${sockFields(sock).slice(1)}}`,
    wire: writeSock,
  } as const satisfies ArgCodec<SockValue<Type>, keyof typeof endParts>;
}

function sockFields(sock: SockValue<string>): string {
  return [
    textField("family", familyName(sock.family)),
    textField("type", typeName(sock.socketType)),
    textField("protocol", protocolName(sock.protocol)),
    numberField("mark", sock.mark),
    numberField("priority", sock.priority),
    textField("saddr", sock.saddr),
    textField("daddr", sock.daddr),
    numberField("sport", sock.sport),
    numberField("dport", sock.dport),
    `,"cookie":"${sock.cookie}"`,
    textField("state", stateName(sock.state)),
  ].join("");
}

const fields = tags.KprobeSock;

function writeSock(sock: SockValue<string>, out: WireWriter): void {
  const start = out.open(tags.KprobeArgument.sock_arg);
  out.text(fields.family, familyName(sock.family));
  out.text(fields.type, typeName(sock.socketType));
  out.text(fields.protocol, protocolName(sock.protocol));
  out.uint(fields.mark, sock.mark);
  out.uint(fields.priority, sock.priority);
  out.text(fields.saddr, sock.saddr);
  out.text(fields.daddr, sock.daddr);
  out.uint(fields.sport, sock.sport);
  out.uint(fields.dport, sock.dport);
  out.big(fields.cookie, sock.cookie);
  out.text(fields.state, stateName(sock.state));
  out.close(start);
}

export const sock = sockCodec("sock", enums.arg_type.ARG_SOCK);
