import type { Credentials } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";

/** The Authorization header for credentials: Bearer when there is a token, else Basic. */
export function authorizationOf(credentials: Credentials | undefined): string | undefined {
  const { token, username, password } = credentials ?? {};
  if (token === undefined && username === undefined) return undefined;
  const value =
    token === undefined
      ? `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}`
      : `Bearer ${token.trim()}`; // Secrets written by hand end in a line break
  if (/^[\x20-\x7e]+$/.test(value)) return value;
  throw new BundleError(
    "InvalidSource",
    "bundle credentials: have a character that no header can hold; write them again",
  );
}
