const clock = "the result would change with the clock; take the time from input";
const chance = "the result would differ each time; derive names from input";
const network = "the result would depend on the network; put facts into data";
const secrets = "policies handle no keys, certificates or tokens; put the facts in them into data";
const lacking = "Guardbee's Wasm host does not have it";

/**
 * Builtins that a policy may not call, and why: most because the same facts must give the same
 * policies. rego/capabilities.json is what opa has without these.
 */
export const refusedBuiltins: Readonly<Record<string, string>> = {
  "time.now_ns": clock,
  "rand.intn": chance,
  "uuid.rfc4122": chance,
  "http.send": network,
  "net.lookup_ip_addr": network,
  "opa.runtime": "the result would depend on the environment of the operator; put facts into data",
  "providers.aws.sign_req": secrets,
  ...refuse(secrets, [
    ...["crypto.parse_private_keys", "crypto.x509.parse_and_verify_certificates"],
    "crypto.x509.parse_and_verify_certificates_with_options",
    ...["crypto.x509.parse_certificate_request", "crypto.x509.parse_certificates"],
    ...["crypto.x509.parse_keypair", "crypto.x509.parse_rsa_private_key"],
    ...["io.jwt.decode", "io.jwt.decode_verify", "io.jwt.encode_sign", "io.jwt.encode_sign_raw"],
    "io.jwt.verify_eddsa",
    ...["hs", "rs", "es", "ps"].flatMap((kind) =>
      ["256", "384", "512"].map((bits) => `io.jwt.verify_${kind}${bits}`),
    ),
  ]),
  ...refuse(lacking, [
    ...["graphql.is_valid", "graphql.parse", "graphql.parse_and_verify", "graphql.parse_query"],
    ...["graphql.parse_schema", "graphql.schema_is_valid", "json.match_schema"],
    ...["json.verify_schema", "regex.globs_match", "rego.parse_module"],
    ...["strings.render_template", "uri.is_valid", "uri.parse", "uuid.parse"],
    "internal.test_case",
  ]),
};

function refuse(reason: string, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, reason]));
}

/**
 * Imports that are refused, and why. The compiler to Wasm (opa 1.22) forgets to reset what the newer
 * `not` of a body has found: the next rule of that name, or the next round, takes it for its own.
 */
export const refusedImports: Readonly<Record<string, string>> = {
  "rego.v2":
    "its not gives something else in a compiled module than under opa eval; import future.keywords.and and future.keywords.or, and give what not negates a rule of its own",
  "future.keywords.not":
    "it gives something else in a compiled module than under opa eval; give what not negates a rule of its own",
};

/** Why a builtin is refused, as the end of a sentence. */
export function reasonAgainst(name: string): string {
  return refusedBuiltins[name] ?? lacking;
}

/** The reasons for what is refused in an error text of opa's, a line each, as opa gives none. */
export function refusalsIn(text: string): readonly string[] {
  const builtins = [...text.matchAll(/undefined function (\S+)/g)].map(([, name]) => name!);
  const imports = [...text.matchAll(/^\s*import\s+([\w.]+)/gm)].map(([, name]) => name!);
  const reasons = [
    ...builtins.map((name) => [name, own(refusedBuiltins, name)] as const),
    ...imports.map((name) => [name, own(refusedImports, name)] as const),
  ];
  const lines = reasons.flatMap(([name, reason]) =>
    reason === undefined ? [] : [`${name} is refused: ${reason}`],
  );
  return [...new Set(lines)];
}

function own(record: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
