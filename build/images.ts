// Builds the images of agent and operator, without Docker.
//   node build/images.ts [--app DIR] (--out DIR | --unpack DIR)
// With --out OCI layouts as tars, in a folder; with --unpack their files instead, for
// config/images/Dockerfile.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { aboutEntries, sbomPath } from "./images/about-layer.ts";
import { appEntries } from "./images/app-layer.ts";
import { layer, program } from "./images/layer.ts";
import { encodeImage, type ImageSpec } from "./images/oci.ts";
import { imageParts } from "./images/parts.ts";
import { runtimeEntries } from "./images/runtime-layer.ts";
import { readImageFile, unpackImage } from "./images/unpack.ts";
import { repositoryRoot } from "./root.ts";
import { ensureBuilt } from "./tools/ensure-built.ts";
import { tools } from "./tools/items.ts";

/** The names as containerd stores them; as pods write them: a domain that resolves nowhere (RFC 6761). */
export const imageNames = {
  agent: "guardbee.invalid/agent:dev",
  operator: "guardbee.invalid/operator:dev",
} as const;

/** The images of agent and operator, from the application at `appRoot`. */
export async function imageSpecs(appRoot: string): Promise<ImageSpec[]> {
  const { busybox, copyright, opa } = await ensureBuilt(tools);
  const runtime = layer(runtimeEntries(appRoot, busybox!));
  const application = await appEntries(appRoot);
  const programs = { busybox: busybox!, copyright: copyright!, opa: opa! };
  const parts = imageParts(appRoot, application.packages, programs);
  const { version } = JSON.parse(readFileSync(join(appRoot, "package.json"), "utf8"));
  const about = (image: "agent" | "operator") =>
    layer(aboutEntries({ image: nameOf(image), version, appRoot, parts: parts[image] }));
  const app = {
    entrypoint: ["/usr/local/bin/node", "/opt/guardbee/cli/bin/guardbee.js"],
    env: ["PATH=/usr/local/bin:/usr/bin", "NODE_ENV=production"],
    workingDir: "/opt/guardbee",
  };
  return [
    {
      ...app,
      name: imageNames.agent,
      layers: [runtime, layer(application.agent), about("agent")],
      command: ["agent"],
    },
    {
      ...app,
      name: imageNames.operator,
      // opa compiles the Rego of RegoPolicies.
      layers: [
        runtime,
        layer([program("usr/local/bin/opa", opa!)]),
        layer(application.operator),
        about("operator"),
      ],
      command: ["operator"],
    },
  ];
}

/** Without tag: what is in it does not depend on it. */
function nameOf(image: "agent" | "operator"): string {
  return imageNames[image].replace(/:[^:/]*$/, "");
}

/** `agent` for `guardbee.invalid/agent:dev`. */
export function shortName(name: string): string {
  return name.replace(/.*\//, "").replace(/:.*/, "");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      app: { type: "string", default: repositoryRoot },
      out: { type: "string" },
      unpack: { type: "string" },
    },
  });
  const { app, out, unpack } = values;
  if (out === undefined && unpack === undefined) {
    process.stderr.write("images: name a folder; --out DIR for archives, --unpack DIR for files\n");
    process.exit(2);
  }
  for (const spec of await imageSpecs(resolve(app))) {
    const name = shortName(spec.name);
    if (unpack !== undefined) unpackImage(spec, join(unpack, name));
    if (out === undefined) continue;
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, `${name}.tar`), encodeImage(spec));
    writeFileSync(join(out, `${name}.cdx.json`), readImageFile(spec, sbomPath));
    process.stdout.write(`${spec.name} ${join(out, `${name}.tar`)}\n`);
  }
}
