import { enums, layout } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { textField } from "../json/json-text.ts";
import { read } from "../layout/struct.ts";
import { addressText, endParts, familyName, numberField } from "./address.ts";
import type { ArgCodec } from "./codec.ts";

const { sockaddr_payload } = layout;
const { family, sport, saddr } = endParts;

type Sockaddr = {
  readonly type: "sockaddr";
  readonly family: number;
  readonly addr: string;
  readonly port: number;
};

export const sockaddr = {
  ...{ code: enums.arg_type.ARG_SOCKADDR, parts: { family, sport, saddr } },
  ...{ isNumber: false, minBytes: sockaddr_payload.size },
  decode: ({ records, start }) => {
    const { address, ...same } = read(
      records.subarray(start, start + sockaddr_payload.size),
      sockaddr_payload,
    );
    return { type: "sockaddr", ...same, addr: addressText(address, same.family) };
  },
  json({ family, addr, port }) {
    const fields = [
      textField("family", familyName(family)),
      textField("addr", addr),
      numberField("port", port),
    ].join("");
    return `"sockaddr_arg":{${fields.slice(1)}}`;
  },
  wire({ family, addr, port }, out) {
    const start = out.open(tags.KprobeArgument.sockaddr_arg);
    out.text(tags.KprobeSockaddr.family, familyName(family));
    out.text(tags.KprobeSockaddr.addr, addr);
    out.uint(tags.KprobeSockaddr.port, port);
    out.close(start);
  },
} as const satisfies ArgCodec<Sockaddr, "family" | "sport" | "saddr">;
