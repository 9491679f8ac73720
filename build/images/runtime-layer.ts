import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TarEntry } from "./tar.ts";

/** Node, the shared libraries of Node and of the addon, and the little else that a process expects. */
export function runtimeEntries(appRoot: string, busybox: string): TarEntry[] {
  const binary = nodeProgram(appRoot);
  const addon = join(appRoot, "agent/kernel/build/guardbee.node");
  const programs = existsSync(addon) ? [binary, addon] : [binary];
  const libraries = new Set(programs.flatMap(libraryPaths));
  return [
    file("usr/local/bin/node", 0o755, binary),
    file("usr/bin/env", 0o755, busybox), // for #!/usr/bin/env node
    { kind: "link", path: "bin/sh", target: "/usr/bin/env" }, // sets limits of child processes
    ...[...libraries].map((path) => file(path.slice(1), 0o755, path)),
    text(
      "etc/passwd",
      "root:x:0:0:root:/root:/bin/false\nnobody:x:65532:65532:nobody:/:/bin/false\n",
    ),
    text("etc/group", "root:x:0:\nnobody:x:65532:\n"),
    { kind: "dir", path: "tmp", mode: 0o1777 },
    { kind: "dir", path: "root", mode: 0o700 },
  ];
}

/** Node as npm installs it for the repository: the version that is in the lock file. */
export function nodeProgram(appRoot: string): string {
  return join(appRoot, `node_modules/node-linux-${process.arch}/bin/node`);
}

/** The absolute paths of the shared libraries that the program at `path` loads. */
export function libraryPaths(path: string): string[] {
  return parseLdd(execFileSync("ldd", [path], { encoding: "utf8" }));
}

/** The absolute paths of the libraries in the output of ldd. */
export function parseLdd(output: string): string[] {
  return output.split("\n").flatMap((line) => {
    const match = /(?:=> )?(\/\S+) \(0x/.exec(line);
    return match === null ? [] : [match[1]!];
  });
}

function file(path: string, mode: number, source: string): TarEntry {
  return { kind: "file", path, mode, data: readFileSync(source) };
}

function text(path: string, content: string): TarEntry {
  return { kind: "file", path, mode: 0o644, data: Buffer.from(content) };
}
