const clock = "the result would change with the clock; take the time from input";
const chance = "the result would differ each time; derive names from input";
const network = "the result would depend on the network; put facts into data";

/** Builtins that a policy may never call, and why: the same facts must give the same policies. */
export const refusedBuiltins: Readonly<Record<string, string>> = {
  "time.now_ns": clock,
  "io.jwt.decode_verify": clock,
  "providers.aws.sign_req": clock,
  "crypto.x509.parse_and_verify_certificates": clock,
  "crypto.x509.parse_and_verify_certificates_with_options": clock,
  "rand.intn": chance,
  "uuid.rfc4122": chance,
  "io.jwt.encode_sign": chance,
  "io.jwt.encode_sign_raw": chance,
  "http.send": network,
  "net.lookup_ip_addr": network,
  "opa.runtime": "the result would depend on the environment of the operator; put facts into data",
};

/** Why a builtin is refused, as the end of a sentence. */
export function reasonAgainst(name: string): string {
  return (
    refusedBuiltins[name] ?? "Guardbee's Wasm host does not have it; see rego/capabilities.json"
  );
}
