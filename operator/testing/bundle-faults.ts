import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { newSigningKey, type SigningKey, signed } from "../bundle/testing/signing.ts";
import { type Entry, tarballOf } from "../bundle/testing/tarball.ts";

// What a bundle server may give instead of the good bundle, and what the RegoPolicy then says.

export const ours: SigningKey = newSigningKey("release");

/** One policy a workload with label tier=edge; its path comes from the bundle's data. */
export const goodRego = regoOf(`
policies contains policy(input.workload.name) if input.workload.labels.tier == "edge"
`);

/** A generator with these rules, and `policy(name)`: one that kills what opens a path from the data. */
export function regoOf(rules: string): string {
  return `package guardbee.generate

import rego.v1
${rules}
policy(name) := {
	"kind": "TracingPolicy",
	"metadata": {"name": concat("-", ["edge", name])},
	"spec": {
		"podSelector": {"matchLabels": input.workload.podLabels},
		"kprobes": [{
			"call": "fd_install",
			"syscall": false,
			"args": [{"index": 1, "type": "file"}],
			"selectors": [{
				"matchArgs": [{"index": 1, "operator": "Prefix", "values": data.forbidden.paths}],
				"matchActions": [{"action": "Sigkill"}],
			}],
		}],
	},
}
`;
}

/** The files of a bundle with this Rego. */
export function bundleFiles(revision: string, rego: string): readonly Entry[] {
  return [
    { name: "/.manifest", content: JSON.stringify({ revision, roots: ["forbidden", "guardbee"] }) },
    { name: "/forbidden/data.json", content: '{"paths":["/srv/cards/"]}' },
    { name: "/edge.rego", content: rego },
  ];
}

/** Whole and signed by us. */
export async function signedBundle(revision: string, rego: string): Promise<Buffer> {
  return tarballOf(await signed(bundleFiles(revision, rego), ours));
}

export type ContentFault = {
  readonly name: string;
  readonly content: () => Promise<Uint8Array>;
  /** `limits.deadlineMs`; default 10 s. */
  readonly deadlineMs?: number;
  /** `TYPE STATUS REASON` of the condition that says it. */
  readonly condition: string;
  readonly message: RegExp;
};

/** Content that is refused, whichever way it comes. */
export const contentFaults: readonly ContentFault[] = [
  {
    name: "stripped-signature",
    content: () => tarballOf(bundleFiles("r2", goodRego)),
    ...fetching(/^NotSigned: bundle: /),
  },
  {
    name: "wrong-key",
    content: async () =>
      tarballOf(await signed(bundleFiles("r2", goodRego), newSigningKey("release"))),
    ...fetching(/^BadSignature: /),
  },
  {
    name: "file-not-listed",
    content: async () =>
      tarballOf([
        ...(await signed(bundleFiles("r2", goodRego), ours)),
        { name: "/more.rego", content: "package guardbee.more" },
      ]),
    ...fetching(/^FileNotListed: bundle: more\.rego is not listed in the signature; /),
  },
  {
    name: "changed-file",
    content: async () => {
      const files = await signed(bundleFiles("r2", goodRego), ours);
      const changed = { name: "/edge.rego", content: regoOf("policies := set()") };
      return tarballOf([...files.filter(({ name }) => name !== changed.name), changed]);
    },
    ...fetching(/^FileChanged: bundle: edge\.rego is not the file that was signed; /),
  },
  {
    name: "missing-manifest",
    content: async () => {
      const files = bundleFiles("r2", goodRego).filter(({ name }) => name !== "/.manifest");
      return tarballOf(await signed(files, ours));
    },
    ...fetching(/^NoManifest: bundle: has no \.manifest/),
  },
  {
    name: "oversized",
    content: async () => gzipSync(randomBytes(9 << 20), { level: 0 }),
    ...fetching(/^TooLarge: .* has .*\d+ bytes, at most 8388608 are allowed; /),
  },
  {
    name: "gzip-bomb",
    content: () => tarballOf([{ name: "/edge.rego", content: new Uint8Array(64 << 20) }]),
    ...fetching(/^TooLarge: bundle: unpacks to more than 16777216 bytes/),
  },
  {
    name: "path-traversal",
    content: () => withEntry({ name: "../../etc/cron.d/edge", content: "x" }),
    ...fetching(/^UnsafePath: .*\.\.\/\.\.\/etc\/cron\.d\/edge/),
  },
  {
    name: "symlink",
    content: () => withEntry({ name: "/edge", type: "symlink", linkname: "/etc/passwd" }),
    ...fetching(/^UnsafePath: .*symlink/),
  },
  {
    name: "garbage",
    content: async () => Buffer.from("<html>internal page</html>"),
    ...fetching(/^NotABundle: bundle: is not gzip/),
  },
  {
    name: "does-not-compile",
    content: () => signedBundle("r2", regoOf("policies contains policy(x)")),
    ...judging("False InvalidRego", /^edge\.rego:4:19: rego_unsafe_var_error: var x is unsafe/),
  },
  {
    name: "forbidden-builtin",
    content: () => signedBundle("r2", regoOf("policies contains time.now_ns()")),
    ...judging(
      "False InvalidRego",
      /^edge\.rego:4:19: builtin_refused: time\.now_ns is refused: the result would change with the clock/,
    ),
  },
  {
    name: "endless-evaluation",
    deadlineMs: 500,
    content: () =>
      signedBundle(
        "r2",
        regoOf(
          'policies contains policy("x") if {\n\tns := numbers.range(1, 9999)\n\tcount([1 | some a in ns; some b in ns; a > b; a < b]) == 0\n}',
        ),
      ),
    ...judging("Unknown EvaluationFailed", /: took over 500 ms; make it do less$/),
  },
  {
    name: "memory-bomb",
    content: () =>
      signedBundle(
        "r2",
        regoOf('policies contains policy(sprintf("%d", [count(numbers.range(1, 9999999))]))'),
      ),
    ...judging(
      "Unknown EvaluationFailed",
      /: needs more memory than it may have \(opa_malloc: failed\); /,
    ),
  },
  {
    name: "breaks-schema",
    content: () =>
      signedBundle(
        "r2",
        regoOf(
          'policies contains object.union(policy(input.workload.name), {"spec": {"kprobes": 1}})',
        ),
      ),
    ...judging("False InvalidResult", /^TracingPolicy edge-[ab]: spec\.kprobes: /),
  },
  {
    name: "too-many-rules",
    content: () =>
      signedBundle(
        "r2",
        regoOf(
          'policies contains policy(sprintf("%s-%d", [input.workload.name, n])) if some n in numbers.range(1, 9)',
        ),
      ),
    ...judging("False TooManyRules", /^policies: has \d+ rules, more than 12; /),
  },
  {
    name: "drop-over-the-limit",
    content: () => signedBundle("r2", regoOf("policies := set()")),
    ...judging("False DropHeld", /^policies: drops \d of \d rules in force, more than 50 %; /),
  },
];

async function withEntry(entry: Entry): Promise<Buffer> {
  return tarballOf(await signed([...bundleFiles("r2", goodRego), entry], ours));
}

function fetching(message: RegExp): Pick<ContentFault, "condition" | "message"> {
  return { condition: "ResolvedRefs False BundleFailed", message };
}

function judging(condition: string, message: RegExp): Pick<ContentFault, "condition" | "message"> {
  return { condition: `Accepted ${condition}`, message };
}
