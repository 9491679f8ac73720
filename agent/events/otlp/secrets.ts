import { compileRedaction, type Redaction } from "../filter/redaction.ts";

/** What is hidden in arguments before they leave the node over OTLP, beside --redaction-filters. */
export function defaultRedaction(): Redaction {
  const compiled = compileRedaction([{ value: { redact: secrets }, source: "secrets", at: "" }]);
  if (!compiled.ok || compiled.value === undefined) throw new Error("the list of secrets is wrong");
  return compiled.value;
}

const word = String.raw`"[^"]*"|'[^']*'|\S+`;

/** Expressions of RE2, what is secret in groups. */
export const secrets: readonly string[] = [
  // --password=x, --db-password x, TOKEN=x, api_key: x, client-secret x
  `(?i)[\\w-]*(?:passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key)[\\w-]*(?:\\s*[=:]\\s*|\\s+)(${word})`,
  // Authorization: Bearer x
  String.raw`(?i)\b(?:bearer|basic|digest)\s+([\w.~+/=-]{6,})`,
  // scheme://user:x@host
  String.raw`://[^/\s:@]*:([^/\s@]+)@`,
  // curl -u user:x, mysql -px
  String.raw`(?:^|\s)(?:-u|--user)[ =]?[^\s:]+:(\S+)`,
  String.raw`(?:^|\s)-p([^\s-]\S{3,})`,
  // Keys that are known by their form: of AWS, GitHub, GitLab, Slack, Google, and JSON web tokens
  String.raw`\b((?:AKIA|ASIA)[0-9A-Z]{16})\b`,
  String.raw`\b(gh[pousr]_\w{30,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|AIza[\w-]{35})`,
  String.raw`\b(eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)`,
  "-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]*)",
];
