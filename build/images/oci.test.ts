import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, encodeImage, type ImageSpec, layoutImage } from "./oci.ts";

const layer = Buffer.from("layer");
const anImage = (over: Partial<ImageSpec> = {}): ImageSpec => ({
  name: "guardbee.invalid/agent:dev",
  layers: [layer],
  entrypoint: ["/agent"],
  command: [],
  env: [],
  workingDir: "/",
  ...over,
});

test("an image's tar and digest are the same for the same spec", () => {
  assert.deepEqual(encodeImage(anImage()), encodeImage(anImage()));
  assert.equal(layoutImage(anImage()).digest, layoutImage(anImage()).digest);
});

test("an image's digest changes with its layers and its entry point", () => {
  const specs = [anImage(), anImage({ layers: [] }), anImage({ entrypoint: ["/x"] })];
  assert.equal(new Set(specs.map((spec) => layoutImage(spec).digest)).size, 3);
});

test("the index names the image for containerd", () => {
  const index = JSON.parse(Buffer.from(layoutImage(anImage()).index).toString());
  assert.deepEqual(index.manifests[0].annotations, {
    "io.containerd.image.name": "guardbee.invalid/agent:dev",
    "org.opencontainers.image.ref.name": "dev",
  });
});

test("encodeImage leaves out the layers that the importer has", () => {
  const digest = digestOf(layer);
  const path = `blobs/${digest.replace(":", "/")}`;
  assert.ok(encodeImage(anImage()).includes(path));
  assert.ok(!encodeImage(anImage(), new Set([digest])).includes(path));
});
