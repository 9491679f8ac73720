import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import * as tools from "../tools/items.ts";
import { addon } from "./bundle.ts";
import { debianPart, debianParts, type Origin } from "./debian-parts.ts";
import { goParts } from "./go-parts.ts";
import { nodePart, npmParts } from "./npm-parts.ts";
import type { Part } from "./part.ts";
import { libraryPaths, nodeProgram } from "./runtime-layer.ts";

/** Programs that images take from elsewhere. */
export type Programs = {
  readonly busybox: string;
  readonly copyright: string;
  readonly opa: string;
};

/** Both images, of what is copied, bundled and linked into them. `packages`: folders of npm's. */
export function imageParts(
  appRoot: string,
  packages: readonly string[],
  { busybox, copyright, opa }: Programs,
): { readonly agent: readonly Part[]; readonly operator: readonly Part[] } {
  const node = nodeProgram(appRoot);
  const shared = [node, ...addonsOf(appRoot)].flatMap(libraryPaths);
  const libraries = [...new Set(shared)].map((source) => ({ source, file: source.slice(1) }));
  const common = [
    nodePart(appRoot, "usr/local/bin/node"),
    ...npmParts(appRoot, packages, "opt/guardbee/cli"),
    busyboxPart(busybox, copyright),
  ];
  const module = tools.opa.env;
  const program = { path: opa, module: module.MODULE!, version: module.VERSION! };
  return {
    agent: once([
      ...common,
      ...npmParts(appRoot, headers, addonFile),
      ...debianParts([...libraries, ...linkedIntoAddon(appRoot)]),
    ]),
    operator: once([
      ...common,
      ...debianParts(libraries),
      ...goParts(program, "usr/local/bin/opa"),
    ]),
  };
}

/** A package that lies in several folders of npm's is one part. */
function once(parts: readonly Part[]): readonly Part[] {
  return [...new Map(parts.map((part) => [part.purl, part])).values()];
}

const addonFile = `opt/guardbee/${addon}`;
/** What the addon's sources include, and so its compiled code has in it. */
const headers = ["node_modules/node-addon-api", "node_modules/node-api-headers"];

/** Archives that agent/kernel/native/Makefile links statically; a newer libelf asks for libzstd, too. */
const archives = ["libbpf.a", "libelf.a", "libz.a", "libstdc++.a", "libgcc.a"];

function linkedIntoAddon(appRoot: string): readonly Origin[] {
  if (addonsOf(appRoot).length === 0) return [];
  const found = [...archives, "libzstd.a"].map((name) =>
    execFileSync("g++", [`-print-file-name=${name}`], { encoding: "utf8" }).trim(),
  );
  const usesZstd = /\bU ZSTD_/.test(
    execFileSync("nm", ["-u", found[archives.indexOf("libelf.a")]!], {
      encoding: "utf8",
      maxBuffer: 64 << 20,
    }),
  );
  const linked = usesZstd ? found : found.slice(0, archives.length);
  return [
    ...linked.map((path) => ({ source: resolve(path), file: addonFile })),
    { source: resolve(found[0]!), file: "opt/guardbee/bpf/build" }, // libbpf's headers, compiled in
  ];
}

function addonsOf(appRoot: string): readonly string[] {
  const path = join(appRoot, addon);
  return existsSync(path) ? [path] : [];
}

/** It says of itself which package it is from: `BusyBox v1.35.0 (Debian 1:1.35.0-4+b7) multi-call`. */
function busyboxPart(program: string, copyright: string): Part {
  const [said = ""] = execFileSync(program, ["--help"], { encoding: "utf8" }).split("\n");
  const version = /\(Debian ([^)]+)\)/.exec(said)?.[1];
  if (version === undefined) throw new Error(`${program}: is not Debian's busybox: ${said}`);
  const about = {
    name: "busybox-static",
    version,
    arch: "amd64",
    files: ["usr/bin/env", "bin/sh"],
  };
  return debianPart({ ...about, copyright });
}
