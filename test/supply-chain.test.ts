import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const root = dirname(import.meta.dirname);
const textOf = (file: string) => readFileSync(join(root, file), "utf8");

type Locked = {
  readonly integrity?: string;
  readonly link?: boolean;
  readonly inBundle?: boolean;
  readonly hasInstallScript?: boolean;
};
const locked = Object.entries(
  (JSON.parse(textOf("package-lock.json")) as { packages: Record<string, Locked> }).packages,
);
const foreign = locked.filter(([path, { link }]) => path.includes("node_modules/") && !link);

test("every package of others is locked to the SHA-512 of its archive", () => {
  assert.ok(foreign.length > 100);
  const loose = foreign.filter(
    ([, { integrity, inBundle }]) => !inBundle && !/^sha512-/.test(integrity ?? ""),
  );
  assert.deepEqual(
    loose.map(([path]) => path),
    [],
  );
});

test("no package runs a script when it is installed, and only esbuild would", () => {
  const scripts = foreign.filter(([, { hasInstallScript }]) => hasInstallScript);
  assert.deepEqual(
    scripts.map(([path]) => path),
    ["node_modules/esbuild"],
  );
  assert.match(textOf(".npmrc"), /^ignore-scripts=true$/m);
  for (const file of ["Makefile", "config/images/Dockerfile"]) {
    const installs = textOf(file).match(/npm (ci|install)\b[^\n]*/g) ?? [];
    const typed = installs.filter((line) => !line.endsWith("`; everything below runs under it."));
    assert.ok(typed.length > 0, file);
    for (const line of typed) assert.match(line, /--ignore-scripts/, `${file}: ${line}`);
  }
});
