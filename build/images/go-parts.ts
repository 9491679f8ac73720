import { execFileSync } from "node:child_process";
import { licenseTexts, type Part } from "./part.ts";

/** A program's own module, which it does not know the version of itself. */
export type GoProgram = {
  readonly path: string;
  readonly module: string;
  readonly version: string;
};

/** The modules that a Go program is made of, by its own build information, and Go's library. */
export function goParts({ path, module, version }: GoProgram, file: string): Part[] {
  const info = execFileSync("go", ["version", "-m", path], { encoding: "utf8" });
  const modules = [{ module, version }, ...linkedModules(info)];
  const folders = fetch(modules);
  const [go = ""] = /go\d+\.\d+(\.\d+)?/.exec(info.split("\n")[0] ?? "") ?? [];
  return [
    {
      ...{ name: "go", version: go.slice(2), purl: `pkg:golang/stdlib@${go.slice(2)}` },
      ...{ licenses: ["BSD-3-Clause"], files: [file] },
      texts: licenseTexts(execFileSync("go", ["env", "GOROOT"], { encoding: "utf8" }).trim()),
    },
    ...modules.map((one) => {
      const texts = licenseTexts(folders.get(`${one.module}@${one.version}`) ?? "");
      return {
        ...{ name: one.module, version: one.version, files: [file], texts },
        purl: `pkg:golang/${one.module}@${one.version}`,
        licenses: [...new Set([...texts.values()].flatMap(licenseIn))].sort(),
      };
    }),
  ];
}

/** The modules in the output of `go version -m`; a replacement stands for what it replaces. */
export function linkedModules(info: string): { module: string; version: string }[] {
  const modules: { module: string; version: string }[] = [];
  for (const line of info.split("\n")) {
    const [, word, module, version] = line.split("\t");
    if (word === "dep") modules.push({ module: module!, version: version! });
    if (word === "=>") modules.splice(-1, 1, { module: module!, version: version! });
  }
  return modules;
}

/** Folders of modules in Go's cache, which has them since the build, or fetches them. */
function fetch(modules: readonly { module: string; version: string }[]): Map<string, string> {
  const names = modules.map(({ module, version }) => `${module}@${version}`);
  const args = ["mod", "download", "-json", ...names];
  const options = { encoding: "utf8", cwd: "/", maxBuffer: 64 << 20 } as const;
  const text = execFileSync("go", args, options);
  const found = text.split(/^}$/m).filter((one) => one.trim() !== "");
  return new Map(
    found.map((one) => {
      const { Path, Version, Dir } = JSON.parse(`${one}}`);
      return [`${Path}@${Version}`, Dir as string] as const;
    }),
  );
}

/** What a licence's own words say that it is. */
const words: readonly (readonly [string, RegExp])[] = [
  ["Apache-2.0", /Apache License,?\s+Version 2\.0/i],
  ["MPL-2.0", /Mozilla Public License,?\s+(?:Version|v\.?)\s*2\.0/i],
  ["MIT", /Permission is hereby granted, free of charge/],
  ["ISC", /Permission to use, copy, modify, and(?:\/or)? distribute/],
  [
    "BSD-3-Clause",
    /Redistribution and use in source[\s\S]*(?:neither the name|may be used to endorse)/i,
  ],
  ["BSD-2-Clause", /Redistribution and use in source(?![\s\S]*(?:neither the name|endorse))/i],
  ["CC0-1.0", /CC0 1\.0 Universal/],
  ["Unlicense", /free and unencumbered software/i],
];

export function licenseIn(text: Buffer): readonly string[] {
  const plain = text.toString().replaceAll(/\s+/g, " ");
  return words.filter(([, form]) => form.test(plain)).map(([name]) => name);
}
