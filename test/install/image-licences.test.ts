import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { bundleApp } from "../../build/images/bundle.ts";
import type { ImageSpec } from "../../build/images/oci.ts";
import { listImage, readImageFile } from "../../build/images/unpack.ts";
import { imageNames, imageSpecs } from "../../build/images.ts";
import { ensureBuilt } from "../e2e/lab/build.ts";
import { root, whyNotBuilt } from "./lab-programs.ts";

type Component = {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly "bom-ref": string;
  readonly licenses: readonly {
    readonly license: { readonly id?: string; readonly name?: string };
  }[];
  readonly properties: readonly { readonly name: string; readonly value: string }[];
};

const licenses = "opt/guardbee/licenses";
/** Files of ours: built from this repository, or written by the build. */
const ours = /^(opt\/guardbee\/|etc\/(passwd|group)$|usr\/local\/bin\/guardbee$)/;

describe("what is in the images", { skip: whyNotBuilt("opa", "busybox", "pause") }, () => {
  const images = new Map<"agent" | "operator", ImageSpec>();
  before(async () => {
    for (const spec of await imageSpecs(root)) {
      for (const name of ["agent", "operator"] as const) {
        if (spec.name === imageNames[name]) images.set(name, spec);
      }
    }
  });
  const componentsOf = (name: "agent" | "operator"): readonly Component[] => {
    const text = readImageFile(images.get(name)!, "opt/guardbee/sbom.cdx.json").toString();
    return (JSON.parse(text) as { components: Component[] }).components;
  };
  const filesOf = (components: readonly Component[]) =>
    new Set(components.flatMap(({ properties }) => properties.map(({ value }) => value)));

  for (const name of ["agent", "operator"] as const) {
    test(`every file of the ${name} that is not ours is of a component of its SBOM`, () => {
      const components = componentsOf(name);
      const foreign = listImage(images.get(name)!).filter((path) => !ours.test(path));
      assert.ok(foreign.length > 5);
      const named = filesOf(components);
      assert.deepEqual(
        foreign.filter((path) => !named.has(path)),
        [],
      );
      assert.equal(new Set(components.map((one) => one["bom-ref"])).size, components.length);
    });

    test(`every component of the ${name} has a licence, a row in the index, and its texts`, () => {
      const spec = images.get(name)!;
      const index = readImageFile(spec, `${licenses}/INDEX.md`).toString();
      const paths = new Set(listImage(spec));
      for (const { name: part, version, licenses: has } of componentsOf(name)) {
        assert.ok(has.length > 0, part);
        const row = index.split("\n").find((line) => line.startsWith(`| ${part} | ${version} |`));
        const texts = row?.split(" | ").at(-1)?.replace(/ \|$/, "").split(", ") ?? [];
        assert.ok(texts.length > 0, `${part}: ${row}`);
        for (const text of texts) {
          assert.ok(paths.has(`${licenses}/${text}`), `${part}: ${text}`);
        }
      }
      for (const own of ["LICENSE", "bpf/LICENSE.BSD-2-Clause", "bpf/LICENSE.GPL-2.0"]) {
        const copy = readImageFile(spec, `${licenses}/guardbee/${own}`);
        assert.deepEqual(copy, readFileSync(join(root, own)));
      }
    });
  }

  test("every package of npm that is bundled is a component of both", async () => {
    const packages = await bundleApp(root, join(root, "node_modules/.cache/image-licences"));
    const names = packages.map((path) => path.replace(/^.*node_modules\//, ""));
    for (const name of ["agent", "operator"] as const) {
      const known = new Set(componentsOf(name).map((one) => one.name));
      assert.deepEqual(
        names.filter((one) => !known.has(one)),
        [],
      );
    }
  });

  test("every Go module of opa is a component of the operator, and Go's own library", async () => {
    const { opa } = await ensureBuilt(["opa"]);
    const info = execFileSync("go", ["version", "-m", opa!], { encoding: "utf8" });
    const modules = [...info.matchAll(/^\tdep\t(\S+)\t(\S+)/gm)].map(
      ([, one, at]) => `${one}@${at}`,
    );
    assert.ok(modules.length > 30);
    const known = new Set(componentsOf("operator").map((one) => `${one.name}@${one.version}`));
    assert.deepEqual(
      modules.filter((one) => !known.has(one)),
      [],
    );
    assert.match([...known].join(" "), /(^| )go@1\.\d+/);
  });

  test("what is linked into the addon is a component of the agent", () => {
    const addon = componentsOf("agent").filter(({ properties }) =>
      properties.some(({ value }) => value.endsWith("guardbee.node")),
    );
    assert.deepEqual(addon.map(({ name }) => name.replace(/-\d+-dev$/, "-N-dev")).sort(), [
      ...["libbpf-dev", "libelf-dev", "libgcc-N-dev", "libstdc++-N-dev"],
      ...["node-addon-api", "node-api-headers", "zlib1g-dev"],
    ]);
  });

  test("an SBOM is the same bytes for the same image", async () => {
    const again = (await imageSpecs(root)).find(({ name }) => name === imageNames.agent)!;
    const path = "opt/guardbee/sbom.cdx.json";
    assert.deepEqual(readImageFile(again, path), readImageFile(images.get("agent")!, path));
  });
});
