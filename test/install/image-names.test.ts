import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { imageNames } from "../../build/images.ts";
import {
  parseManifests,
  renderChart,
  renderKustomization,
  root,
  whyNotBuilt,
} from "./lab-programs.ts";

/** Every value of a key `image`, at any depth. */
function imagesIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "image" && typeof inner === "string" ? [inner] : imagesIn(inner),
  );
}

/** .invalid is reserved: no registry can ever have it (RFC 6761). */
const ours = [imageNames.agent, imageNames.operator].sort();

test("config/base names images that no registry can have, and is content with those of the node", () => {
  const files = globSync("config/base/*.yaml", { cwd: root });
  const objects = files.flatMap((file) => parseManifests(readFileSync(join(root, file), "utf8")));
  assert.deepEqual([...new Set(imagesIn(objects))].sort(), ours);
  assert.ok(ours.every((name) => /^guardbee\.invalid\/(agent|operator):dev$/.test(name)));
  assert.equal(JSON.stringify(objects).includes('"imagePullPolicy":"Always"'), false);
});

test("what tests and pages apply names no image of a registry's default", () => {
  const files = globSync("{test/e2e/manifests,config/examples}/**/*.yaml", { cwd: root });
  const objects = files.flatMap((file) => parseManifests(readFileSync(join(root, file), "utf8")));
  const images = [...new Set(imagesIn(objects))];
  assert.deepEqual(
    images.filter((name) => !/^[^/]+\.(invalid|local)\//.test(name)),
    [],
  );
});

describe("rendered", { skip: whyNotBuilt("helm", "kubernetes") }, () => {
  test("config/default and the chart, with its Job, name no other image", () => {
    assert.deepEqual([...new Set(imagesIn(renderKustomization("config/default")))].sort(), ours);
    assert.deepEqual([...new Set(imagesIn(renderChart()))].sort(), ours);
  });
});
