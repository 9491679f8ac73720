// Builds the images: OCI layouts as tars, without Docker.
//   node test/e2e/lab/images.ts [--app DIR] [--out DIR | --unpack DIR]
// With --out agent and operator alone, into a folder; with --unpack their files instead, for
// config/images/Dockerfile. Without either all images of the lab, into the cache.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ensureBuilt } from "./build.ts";
import { cacheRoot } from "./cache.ts";
import { aboutEntries, sbomPath } from "./image/about-layer.ts";
import { appEntries } from "./image/app-layer.ts";
import { encodeImage, type ImageSpec, layoutImage } from "./image/oci.ts";
import { imageParts } from "./image/parts.ts";
import { libraryPaths, runtimeEntries } from "./image/runtime-layer.ts";
import { encodeTar, type TarEntry } from "./image/tar.ts";
import { withParents } from "./image/tree.ts";
import { readImageFile, unpackImage } from "./image/unpack.ts";
import { labDir } from "./items.ts";
import { tell } from "./progress.ts";

/** The names as containerd stores them; as pods write them: a domain that resolves nowhere (RFC 6761). */
export const imageNames = {
  agent: "guardbee.invalid/agent:dev",
  operator: "guardbee.invalid/operator:dev",
  demo: "guardbee.invalid/demo:dev",
  pause: "lab.local/pause:1",
} as const;

/** The repository that this lab is part of. */
export const repositoryRoot = resolve(labDir, "../../..");

/** The demo image's shells are the host's: busybox's runs `vi` as itself, not as /usr/bin/vi. */
const demoShells = { "bin/sh": "/bin/dash", "bin/bash": "/bin/bash" };

/** Every image of the lab, from the application at `appRoot`. */
export async function imageSpecs(appRoot: string): Promise<ImageSpec[]> {
  const { busybox, copyright, opa, pause } = await ensureBuilt(["busybox", "opa", "pause"]);
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
    {
      name: imageNames.demo,
      layers: [layer(demoEntries(busybox!))],
      entrypoint: [],
      command: ["/bin/sleep", "infinity"],
      env: ["PATH=/usr/bin:/bin:/usr/sbin:/sbin"],
      workingDir: "/",
    },
    {
      name: imageNames.pause,
      layers: [layer([program("pause", pause!)])],
      entrypoint: ["/pause"],
      command: [],
      env: [],
      workingDir: "/",
    },
  ];
}

/** The image's tar in the cache, written if the cache lacks it. */
export function ensureImageTar(spec: ImageSpec): string {
  const { digest } = layoutImage(spec);
  const dir = join(cacheRoot(), "images");
  const path = join(dir, `${shortName(spec.name)}-${digest.slice(7, 19)}.tar`);
  if (existsSync(path)) return path;
  mkdirSync(dir, { recursive: true });
  writeFileSync(`${path}.${process.pid}`, encodeImage(spec));
  renameSync(`${path}.${process.pid}`, path);
  removeOldTars(dir, path);
  tell(`image ${spec.name}: written to ${path}`);
  return path;
}

/** Keeps the newest tar of each image: they are large, and every change of the code makes one. */
function removeOldTars(dir: string, newest: string): void {
  const image = basename(newest).replace(/-[0-9a-f]+\.tar$/, "");
  for (const name of readdirSync(dir)) {
    const old = name.endsWith(".tar") && name.replace(/-[0-9a-f]+\.tar$/, "") === image;
    if (old && join(dir, name) !== newest) rmSync(join(dir, name), { force: true });
  }
}

/** Without tag: what is in it does not depend on it. */
function nameOf(image: "agent" | "operator"): string {
  return imageNames[image].replace(/:[^:/]*$/, "");
}

/** `agent` for `guardbee.invalid/agent:dev`. */
export function shortName(name: string): string {
  return name.replace(/.*\//, "").replace(/:.*/, "");
}

/** Every program of busybox under a path of its own, so that a process shows that path. */
function demoEntries(busybox: string): TarEntry[] {
  const listed = execFileSync(busybox, ["--list-full"], { encoding: "utf8" }).trim().split("\n");
  const applets = listed
    .filter((path) => !/^linuxrc$|\/(sh|ash|busybox)$/.test(path))
    .map((path) => (path === "bin/vi" ? "usr/bin/vi" : path)); // where other systems have it
  const libraries = new Set(Object.values(demoShells).flatMap(libraryPaths));
  return [
    program("bin/busybox", busybox),
    ...applets.map(
      (path): TarEntry => ({ kind: "hard", path, mode: 0o755, target: "bin/busybox" }),
    ),
    ...Object.entries(demoShells).map(([path, source]) => program(path, source)),
    ...[...libraries].map((path) => program(path.slice(1), path)),
    { kind: "dir", path: "tmp", mode: 0o1777 },
    { kind: "dir", path: "root", mode: 0o700 },
    text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65532:65532:nobody:/:/bin/sh\n"),
    text("etc/group", "root:x:0:\nnobody:x:65532:\n"),
  ];
}

function layer(entries: readonly TarEntry[]): Buffer {
  return encodeTar(withParents(entries));
}

function program(path: string, source: string): TarEntry {
  return { kind: "file", path, mode: 0o755, data: readFileSync(source) };
}

function text(path: string, content: string): TarEntry {
  return { kind: "file", path, mode: 0o644, data: Buffer.from(content) };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      app: { type: "string", default: repositoryRoot },
      out: { type: "string" },
      unpack: { type: "string" },
    },
  });
  const { out, unpack } = values;
  for (const spec of await imageSpecs(resolve(values.app))) {
    const isProduct = spec.name === imageNames.agent || spec.name === imageNames.operator;
    const name = shortName(spec.name);
    if (out === undefined && unpack === undefined) {
      process.stdout.write(`${spec.name} ${ensureImageTar(spec)}\n`);
    } else if (isProduct && unpack !== undefined) {
      unpackImage(spec, join(unpack, name));
    } else if (isProduct && out !== undefined) {
      mkdirSync(out, { recursive: true });
      writeFileSync(join(out, `${name}.tar`), encodeImage(spec));
      writeFileSync(join(out, `${name}.cdx.json`), readImageFile(spec, sbomPath));
      process.stdout.write(`${spec.name} ${join(out, `${name}.tar`)}\n`);
    }
  }
}
