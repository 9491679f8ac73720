import type { Result } from "@guardbee/policy";
import type { OtlpTarget } from "./send.ts";

/** Where events go over OTLP, and as whom; undefined: nowhere. */
export function parseOtlp({
  otlpEndpoint,
  otlpProtocol: protocol,
  otlpHeaders,
}: {
  readonly otlpEndpoint: string;
  readonly otlpProtocol: OtlpTarget["protocol"];
  readonly otlpHeaders: string;
}): Result<OtlpTarget | undefined> {
  if (otlpEndpoint === "") return { ok: true, value: undefined };
  const wrong = (field: string, what: string, fix: string) =>
    ({ ok: false, problems: [{ field, what, fix, kind: "invalid" }] }) as const;
  const url = URL.canParse(otlpEndpoint) ? new URL(otlpEndpoint) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    const fix = "write http://HOST:4317, or https://HOST:4317";
    return wrong("--otlp-endpoint", `is ${JSON.stringify(otlpEndpoint)}`, fix);
  }
  const headers = parseHeaders(otlpHeaders);
  if (headers === undefined) {
    const fix = "write key=value, with commas between, and % escapes";
    return wrong("OTEL_EXPORTER_OTLP_HEADERS", "is no list of headers", fix); // they may be secret
  }
  return { ok: true, value: { url, protocol, headers } };
}

function parseHeaders(text: string): Readonly<Record<string, string>> | undefined {
  const parts = text.split(",").filter((part) => part.trim() !== "");
  const pairs = parts.map((part) => part.match(/^\s*([\w-]+)\s*=(.*)$/s));
  if (pairs.includes(null)) return undefined;
  try {
    return Object.fromEntries(
      pairs.map((pair) => [pair![1]!.toLowerCase(), decodeURIComponent(pair![2]!.trim())]),
    );
  } catch {
    return undefined; // what follows a % is no escape
  }
}
