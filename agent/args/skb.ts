import { namesOf, protocols } from "@guardbee/policy/sets";
import { enums, layout } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { textField } from "../json/json-text.ts";
import { read } from "../layout/struct.ts";
import { addressText, endParts, familyName, numberField } from "./address.ts";
import type { ArgCodec } from "./codec.ts";

const { skb_payload } = layout;
const { type: _type, state: _state, ...parts } = endParts;
const fields = tags.KprobeSkb;
const protocolName = namesOf(protocols);

type Skb = {
  readonly type: "skb";
  readonly hash: number;
  readonly len: number;
  readonly priority: number;
  readonly mark: number;
  readonly saddr: string;
  readonly daddr: string;
  readonly sport: number;
  readonly dport: number;
  readonly protocol: number;
  readonly family: number;
};

export const skb = {
  ...{ code: enums.arg_type.ARG_SKB, parts, isNumber: false, minBytes: skb_payload.size },
  decode: ({ records, start }) => {
    const {
      saddr,
      daddr,
      has_protocol: _p,
      has_ports: _h,
      ...same
    } = read(records.subarray(start, start + skb_payload.size), skb_payload);
    const [from, to] = [saddr, daddr].map((bytes) => addressText(bytes, same.family));
    return { type: "skb", ...same, saddr: from!, daddr: to! };
  },
  json(skb) {
    const fields = [
      numberField("hash", skb.hash),
      numberField("len", skb.len),
      numberField("priority", skb.priority),
      numberField("mark", skb.mark),
      textField("saddr", skb.saddr),
      textField("daddr", skb.daddr),
      numberField("sport", skb.sport),
      numberField("dport", skb.dport),
      numberField("proto", skb.protocol),
      textField("protocol", protocolName(skb.protocol)),
      textField("family", familyName(skb.family)),
    ].join("");
    return `"skb_arg":{${fields.slice(1)}}`;
  },
  wire(skb, out) {
    const start = out.open(tags.KprobeArgument.skb_arg);
    out.uint(fields.hash, skb.hash);
    out.uint(fields.len, skb.len);
    out.uint(fields.priority, skb.priority);
    out.uint(fields.mark, skb.mark);
    out.text(fields.saddr, skb.saddr);
    out.text(fields.daddr, skb.daddr);
    out.uint(fields.sport, skb.sport);
    out.uint(fields.dport, skb.dport);
    out.uint(fields.proto, skb.protocol);
    out.text(fields.protocol, protocolName(skb.protocol));
    out.text(fields.family, familyName(skb.family));
    out.close(start);
  },
} as const satisfies ArgCodec<Skb, keyof typeof parts>;
