import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { getObject, resources } from "@guardbee/kube";
import { OfflineJudge } from "@guardbee/operator/offline";
import { parsePolicies, resourceOf, type SelectorSet, setName } from "@guardbee/policy";
import { pino } from "pino";
import { findKubectl, whyNoApiServer } from "../../kube/testing/api-server.ts";
import { skipReason } from "../../kube/testing/must-run.ts";
import { webhookConfiguration as configuration } from "../../operator/admission/certificates.ts";
import { eventually, readYaml, TestCluster } from "../../operator/testing/test-cluster.ts";
import { type OddFile, oddPolicies } from "../../policy/testing/odd-policies.ts";
import { anIo } from "../testing-io.ts";
import { policyCheck } from "./policy-check.ts";

const tracingPolicy = resourceOf("TracingPolicy");
const tracingPolicyNamespaced = resourceOf("TracingPolicyNamespaced");
const execPolicy = resourceOf("ExecPolicy");
const execPolicyNamespaced = resourceOf("ExecPolicyNamespaced");
const kinds = [
  ...[tracingPolicy, tracingPolicyNamespaced, execPolicy, execPolicyNamespaced],
  resourceOf("RegoPolicy"),
];
const never = new AbortController().signal;

/** What becomes of one policy. */
type Verdict = "ok" | "unsupported" | "invalid";
type Verdicts = Readonly<Record<string, Verdict>>;

const testdata = new URL("../../policy/testdata/", import.meta.url);

const fieldCase = fileURLToPath(new URL("int80-socketcall.yaml", testdata));
const execExample = new URL("../../config/examples/exec-policy-example.yaml", import.meta.url);

async function corpus(): Promise<readonly OddFile[]> {
  const given: OddFile[] = [];
  for (const folder of ["upstream", "field"]) {
    for (const name of (await readdir(new URL(`${folder}/`, testdata))).sort()) {
      if (!name.endsWith(".yaml")) continue;
      const content = await readFile(new URL(`${folder}/${name}`, testdata));
      given.push({ name: `${folder}-${name.slice(0, -5)}`, content });
    }
  }
  return [...given, ...oddPolicies];
}

describe("one verdict", { skip: whyNoApiServer() }, () => {
  const kubectl = findKubectl();
  const skip = skipReason(kubectl ? false : "kubectl is not built");
  let cluster: TestCluster;
  /** Of files of the corpus, in folders in which no two policies have one name. */
  let folder: string;
  let checked: Verdicts;
  let folders: readonly string[];

  before(async () => {
    cluster = await TestCluster.start();
    folder = await mkdtemp(join(tmpdir(), "guardbee-verdict-"));
    folders = await writeApart(await corpus(), folder);
    checked = await check();
  });
  after(async () => {
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function check(): Promise<Verdicts> {
    const { io, out } = anIo({ cwd: folder, env: process.env });
    const args = { output: "json", strict: false, disableGuardRail: [] } as const;
    await policyCheck.run({ ...args, paths: folders, guardbeeNamespace: "guardbee-system" }, io);
    const { policies } = JSON.parse(out()) as {
      policies: readonly { file: string; kind: string; name: string; verdict: Verdict }[];
    };
    return Object.fromEntries(
      policies.map(({ file, kind, name, verdict }) => [keyOf(file, kind, name), verdict]),
    );
  }

  /** What kubectl says to each folder in turn, each object of which the webhook has judged. */
  async function tryAll(command: "apply" | "create"): Promise<readonly string[]> {
    const texts: string[] = [];
    for (const one of folders) {
      const text = await eventually(
        `verdicts on ${one}`,
        () => run(command, "--dry-run=server", "-f", join(folder, one)),
        // A machine that stalls is no verdict: the webhook says so, and lets the object through.
        (said) => !/not checked yet.*took over \d+ ms/.test(said),
      );
      texts.push(text);
    }
    return texts;
  }

  /** How often the API server let something through because it had no answer of the webhook. */
  async function letThrough(): Promise<number> {
    const text = await run("get", "--raw", "/metrics");
    const counts = text.matchAll(/^apiserver_admission_webhook_fail_open_count\{.*\} (\d+)$/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async function run(...args: readonly string[]): Promise<string> {
    const { server, token } = cluster.access;
    const access = [`--server=${server}`, `--token=${token}`, "--insecure-skip-tls-verify"];
    const env = { ...process.env, HOME: folder, KUBECONFIG: join(folder, "none") };
    const child = spawn(kubectl!, [...access, ...args], { env });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        text += chunk;
      });
    }
    await once(child, "close");
    return text;
  }

  /** FOLDER KIND/NAME of each policy that kubectl says was written. */
  function written(texts: readonly string[]): readonly string[] {
    return texts
      .flatMap((text, i) =>
        [
          ...text.matchAll(
            /^(\w+)\.(?:cilium|guardbee)\.io\/(\S+) (?:created|configured|unchanged)/gm,
          ),
        ].map(([, kind, name]) => `${folders[i]} ${kind}/${name}`),
      )
      .sort();
  }

  const accepted = (verdicts: Verdicts) =>
    Object.entries(verdicts)
      .filter(([, verdict]) => verdict !== "invalid")
      .map(([key]) => key)
      .sort();

  test("the corpus has at least 150 files", async () => {
    assert.ok((await corpus()).length >= 150);
  });

  test("kubectl apply --dry-run=server takes what check takes", { skip }, async () => {
    let port = 0;
    const listening = (opened: number) => {
      port = opened;
    };
    const webhook = { port: 0, host: "127.0.0.1", names: ["127.0.0.1"], listening };
    await cluster.startOperator({ webhook });
    await eventually(
      "port",
      async () => port,
      (opened) => opened > 0,
    );
    const file = new URL("../../config/base/webhook.yaml", import.meta.url);
    const object = (await readYaml(file)).find(({ kind }) => kind === configuration.kind);
    const [first] = object!.webhooks as [Record<string, unknown>];
    const clientConfig = { url: `https://127.0.0.1:${port}/validate` };
    const webhooks = [{ ...first, clientConfig, timeoutSeconds: 30 }];
    await cluster.apply(configuration, { ...object, webhooks });
    const refused = join(folder, "refused.yaml");
    const host = oddPolicies.find(({ name }) => name === "exec-host")!;
    await writeFile(refused, host.content);
    await eventually(
      "the webhook refuses",
      () => run("apply", "--dry-run=server", "-f", refused),
      (text) => text.includes("denied the request"),
    );
    await cluster.addNode("open");
    const [taking, ref] = [{ features: ["ia32_emulation"] }, { name: "open" }];
    await eventually(
      "node set",
      async () =>
        (await getObject(cluster.kube, resourceOf("NodePolicySet"), ref, never))?.metadata.name,
      "open",
    );
    await cluster.report("open", {}, { kernel: { release: "6.1.0", arch: "x86_64", ...taking } });
    const before = await letThrough();
    const texts = await tryAll("apply");
    // Nothing was let through for want of an answer.
    assert.doesNotMatch(texts.join(""), /not checked yet/);
    assert.deepEqual(written(texts), accepted(checked));
    // apply leaves out nulls, create sends them.
    const made = await tryAll("create");
    assert.deepEqual(written(made), accepted(checked));
    assert.doesNotMatch(made.join(""), /not checked yet/);
    assert.equal(await letThrough(), before, "the webhook answered each time");
    assert.match(texts.join(""), /Warning: .*values\[0\]: is "srv\/x", which is relative/);
    const unseen =
      /^Warning: spec: hooks system calls; 32-bit ones \(int 0x80\) by socketcall, which nodes of this cluster take, are neither seen nor stopped; hook a security_ function as well$/m;
    assert.match(await run("apply", "--dry-run=server", "-f", fieldCase), unseen);
    const exec = await run("apply", "--dry-run=server", "-f", fileURLToPath(execExample));
    assert.match(exec, /created/);
    assert.doesNotMatch(exec, /int 0x80/);
    await cluster.delete(resources.node, "open");
    await cluster.stopOperator();
    await cluster.delete(configuration, "guardbee");
  });

  test("the operator judges what is stored as check does, and means the same", {
    skip,
  }, async () => {
    await cluster.startOperator();
    const judge = await OfflineJudge.open({
      ...{ namespaces: [], ownNamespace: "guardbee-system", disabledGuardRails: [] },
      log: pino({ level: "silent" }),
    });
    for (const one of folders) {
      await run("apply", "-f", join(folder, one));
      const stored: Record<string, Verdict> = {};
      const meant: Record<string, readonly SelectorSet[] | undefined> = {};
      for (const [key, verdict] of await judged(one)) {
        stored[key] = verdict;
        const [, kind = "", name = ""] = /^\S+ (\w+)\/(.*)$/.exec(key) ?? [];
        if (verdict === "ok" && kind !== "regopolicy") meant[key] = await setsOf(kind, name);
      }
      const here = Object.fromEntries(
        Object.entries(checked).filter(([key]) => key.startsWith(`${one} `)),
      );
      // What the API server refuses itself is not stored.
      const rest = Object.entries(here).filter(([key]) => !(key in stored));
      assert.deepEqual(
        rest.filter(([, verdict]) => verdict !== "invalid"),
        [],
      );
      assert.deepEqual({ ...Object.fromEntries(rest), ...stored }, here);
      assert.deepEqual(meant, await read(one, judge));
      await removeAll();
    }
    await judge.close();
  });

  async function judged(one: string): Promise<readonly (readonly [string, Verdict])[]> {
    const verdicts: (readonly [string, Verdict])[] = [];
    for (const resource of kinds) {
      for (const { metadata } of await cluster.list(resource)) {
        const { name, namespace } = metadata;
        const status = await eventually(
          `verdict on ${name}`,
          async () =>
            (await cluster.status(resource, name, namespace)).conditions?.find(
              ({ type }) => type === "Accepted",
            ),
          (condition) => condition !== undefined && condition.status !== "Unknown",
        );
        const { status: is, reason } = status!;
        const verdict =
          is === "True" ? "ok" : reason === "NotSupported" ? "unsupported" : "invalid";
        verdicts.push([`${one} ${resource.kind.toLowerCase()}/${name}`, verdict]);
      }
    }
    return verdicts;
  }

  function setsOf(kind: string, name: string): Promise<readonly SelectorSet[] | undefined> {
    const resource = kinds.find((known) => known.kind.toLowerCase() === kind)!;
    const { namespaced } = resource;
    const ref = { kind: resource.kind as "TracingPolicy", name };
    const object = setName(namespaced ? { ...ref, namespace: "default" } : ref);
    return eventually(
      `set of ${name}`,
      () => cluster.sets(object),
      (sets) => sets !== undefined,
    );
  }

  /** What the accepted policies of a folder mean to check. */
  async function read(
    one: string,
    judge: OfflineJudge,
  ): Promise<Readonly<Record<string, readonly SelectorSet[]>>> {
    const meant: Record<string, readonly SelectorSet[]> = {};
    for (const file of await readdir(join(folder, one))) {
      const { policies } = parsePolicies(await readFile(join(folder, one, file)), file);
      for (const { result } of policies) {
        if (!result.ok) continue;
        const { kind, metadata } = result.value;
        const place = kind.endsWith("Namespaced") ? { namespace: "default" } : {};
        const object = { ...result.value, metadata: { ...place, ...metadata } };
        const judgement = await judge.judge(object as never, never);
        if (judgement.kind !== "accepted") continue;
        const plain = JSON.parse(JSON.stringify(judgement.sets)) as readonly SelectorSet[];
        meant[`${one} ${kind.toLowerCase()}/${metadata.name}`] = plain;
      }
    }
    return meant;
  }

  async function removeAll(): Promise<void> {
    for (const resource of kinds) {
      for (const { metadata } of await cluster.list(resource)) {
        await cluster.delete(resource, metadata.name, metadata.namespace);
        const gone = () => getObject(cluster.kube, resource, metadata, never);
        await eventually("gone", gone, (object) => object === undefined);
      }
    }
  }
});

/** Writes files into folders in which no two policies have one identity; gives their names. */
async function writeApart(files: readonly OddFile[], root: string): Promise<readonly string[]> {
  const used: Set<string>[] = [];
  for (const { name, content } of files) {
    const { policies, regoPolicies } = parsePolicies(content, name);
    const keys = [...policies, ...regoPolicies].map((one) => `${one.kind} ${one.name}`);
    let place = used.findIndex((taken) => !keys.some((key) => taken.has(key)));
    if (place === -1) place = used.push(new Set()) - 1;
    for (const key of keys) used[place]!.add(key);
    await mkdir(join(root, `apart${place}`), { recursive: true });
    await writeFile(join(root, `apart${place}`, `${name}.yaml`), content);
  }
  return used.map((_, i) => `apart${i}`);
}

function keyOf(file: string, kind: string, name: string): string {
  return `${file.split("/")[0]} ${kind.toLowerCase()}/${name}`;
}
