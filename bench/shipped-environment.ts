import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";

type Manifest = {
  readonly spec?: {
    readonly template?: {
      readonly spec?: {
        readonly containers?: readonly {
          readonly env?: readonly { readonly name: string; readonly value?: string }[];
        }[];
      };
    };
  };
};

/** What the manifest that ships gives to a part's process, where it is the same for all. */
export async function shippedEnvironment(
  part: "agent" | "operator",
): Promise<Readonly<Record<string, string>>> {
  const file = new URL(`../config/base/${part}.yaml`, import.meta.url);
  const documents = parseAllDocuments(await readFile(file, "utf8")) as { toJS(): Manifest }[];
  const containers = documents.flatMap((one) => one.toJS().spec?.template?.spec?.containers ?? []);
  const given = containers.flatMap(({ env = [] }) => env);
  return Object.fromEntries(given.flatMap(({ name, value }) => (value ? [[name, value]] : [])));
}
