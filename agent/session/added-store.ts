import { createHash } from "node:crypto";
import { isRecord } from "@guardbee/policy/sets";
import type { Logger } from "pino";
import { StateDir } from "../state/state-dir.ts";

/** A policy as somebody added it, with what was done to it since. */
export type SavedPolicy = {
  readonly domain: string;
  readonly text: string;
  readonly enabled: boolean;
  readonly mode?: "enforce" | "monitor";
};

/** Where added policies outlive the agent. */
export type AddedStore = {
  /** Those of an earlier run; what cannot be read is logged. */
  load(): Promise<readonly SavedPolicy[]>;
  /** On disk when it resolves. `key`: names the policy. */
  save(key: string, policy: SavedPolicy): Promise<void>;
  remove(key: string): Promise<void>;
};

/** They end with the agent. */
export const noStore: AddedStore = {
  load: async () => [],
  save: async () => {},
  remove: async () => {},
};

const POLICIES = "policies";

/** One file a policy, readable by root alone, in a folder of their own. */
export function openStore(folder: string, log: Logger): AddedStore {
  const state = new StateDir(folder);
  // A name may be longer than a file's may.
  const fileOf = (key: string) =>
    `${POLICIES}/${createHash("sha256").update(key).digest("hex")}.json`;
  return {
    async load() {
      const saved: SavedPolicy[] = [];
      for (const file of await state.list(POLICIES)) {
        if (!file.endsWith(".json")) continue; // an agent was killed while it wrote
        const found = await state.read(file);
        if (found.state === "present" && isSaved(found.value)) saved.push(found.value);
        else log.error({ folder, file }, "a policy that was added cannot be read; add it again");
      }
      return saved;
    },
    save: (key, policy) => state.write(fileOf(key), policy),
    remove: (key) => state.remove(fileOf(key)),
  };
}

function isSaved(raw: unknown): raw is SavedPolicy {
  if (!isRecord(raw)) return false;
  const { domain, text, enabled, mode } = raw;
  const isMode = mode === undefined || mode === "enforce" || mode === "monitor";
  return (
    typeof domain === "string" && typeof text === "string" && typeof enabled === "boolean" && isMode
  );
}
