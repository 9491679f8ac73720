/** An IP address, in the order of the network: 4 or 16 bytes. */
export type Ip = Uint8Array;

/** All addresses that begin with the first `bits` of `ip`, whose other bits are 0. */
export type Network = { readonly ip: Ip; readonly bits: number };

/** The IPv4 address that an IPv6 one stands for (::ffff:10.0.0.1), or itself. */
export function unmapped(ip: Ip): Ip {
  return ip.length === 16 && isMapped(ip) ? ip.subarray(12) : ip;
}

function isMapped(ip: Ip): boolean {
  return ip.subarray(0, 10).every((byte) => byte === 0) && ip[10] === 0xff && ip[11] === 0xff;
}

/** `10.0.0.1`, `::1`; undefined for what is no address. Zones are none. */
export function parseIp(text: string): Ip | undefined {
  if (!text.includes(":")) return parseIpv4(text);
  const tail = /^(.*:)([0-9.]+)$/.exec(text.includes(".") ? text : "");
  if (text.includes(".") && tail === null) return undefined;
  const last = tail === null ? undefined : parseIpv4(tail[2]!);
  if (tail !== null && last === undefined) return undefined;
  const groups = last && [last[0]! * 256 + last[1]!, last[2]! * 256 + last[3]!];
  const whole = groups ? tail![1] + groups.map((one) => one.toString(16)).join(":") : text;
  const halves = whole.split("::");
  if (halves.length > 2) return undefined;
  const [before, after = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const count = before!.length + after.length;
  if (halves.length === 1 ? count !== 8 : count > 7) return undefined;
  const all = [...before!, ...Array<string>(8 - count).fill("0"), ...after];
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return Uint8Array.from(
    all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}

function parseIpv4(text: string): Ip | undefined {
  const parts = text.split(".");
  // As Go, no leading zeros: some read those as octal.
  const isByte = (part: string) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256;
  return parts.length === 4 && parts.every(isByte) ? Uint8Array.from(parts, Number) : undefined;
}

/** As RFC 5952 has it: `::ffff:10.0.0.1`, `2001:db8::1`. */
export function formatIp(ip: Ip): string {
  if (ip.length === 4) return ip.join(".");
  if (isMapped(ip)) return `::ffff:${formatIp(ip.subarray(12))}`;
  const groups = Array.from({ length: 8 }, (_, i) => ip[2 * i]! * 256 + ip[2 * i + 1]!);
  const text = groups.map((group) => group.toString(16));
  const zeros = longestZeros(groups);
  if (zeros.length < 2) return text.join(":");
  return `${text.slice(0, zeros.at).join(":")}::${text.slice(zeros.at + zeros.length).join(":")}`;
}

function longestZeros(groups: readonly number[]): { readonly at: number; readonly length: number } {
  let best = { at: 0, length: 0 };
  for (let at = 0; at < groups.length; at++) {
    const end = groups.findIndex((group, i) => i >= at && group !== 0);
    const length = (end === -1 ? groups.length : end) - at;
    if (length > best.length) best = { at, length };
  }
  return best;
}

/** `10.0.0.0/8`, or an address; bits beyond the length are ignored. IPv4 in IPv6 is IPv4. */
export function parseNetwork(text: string): Network | undefined {
  const [address, length, ...rest] = text.split("/");
  const ip = parseIp(address!);
  if (ip === undefined || rest.length > 0) return undefined;
  if (length !== undefined && !/^(0|[1-9][0-9]{0,2})$/.test(length)) return undefined;
  const bits = length === undefined ? 8 * ip.length : Number(length);
  if (bits > 8 * ip.length) return undefined;
  const its = unmapped(ip);
  const mapped = its.length < ip.length && bits >= 96;
  return mapped ? masked(its, bits - 96) : masked(ip, bits);
}

function masked(ip: Ip, bits: number): Network {
  const keep = (i: number) => 0xff & ~(0xff >> Math.min(Math.max(bits - 8 * i, 0), 8));
  return { ip: ip.map((byte, i) => byte & keep(i)), bits };
}

/** `10.0.0.0/8` */
export function formatNetwork({ ip, bits }: Network): string {
  return `${formatIp(ip)}/${bits}`;
}

/** Whether the address, which stands for no IPv4 one, is in the network. */
export function isInNetwork(ip: Ip, network: Network): boolean {
  if (ip.length !== network.ip.length) return false;
  return Buffer.from(masked(ip, network.bits).ip).equals(network.ip);
}
