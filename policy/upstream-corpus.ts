import { readdirSync, readFileSync } from "node:fs";
import type { CheckedFile } from "./check.ts";

/** What one of the policies is to be told before it is one: networks of its cluster. */
const variables: Readonly<Record<string, string>> = {
  PODCIDR: "10.44.0.0/14",
  SERVICECIDR: "10.48.0.0/20",
};

/** Upstream's example policies, by the name of their file. */
export function upstreamCorpus(): readonly CheckedFile[] {
  const folder = new URL("./testdata/upstream/", import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((file) => {
      const text = readFileSync(new URL(file, folder), "utf8");
      const content = text.replace(/\$\{(\w+)\}/g, (written, name) => variables[name] ?? written);
      return { file, content };
    });
}
