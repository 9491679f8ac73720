import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Bundle } from "@guardbee/operator/offline";
import { type Io, UsageError } from "../command.ts";
import type { Signer } from "./signer.ts";
import { type Stage, stageRego } from "./stage.ts";

/** The bundle in a tarball, or of a folder that `rego build` would make one of. */
export async function readBundle(path: string, io: Io): Promise<Bundle> {
  const from = resolve(io.cwd, path);
  const kind = await stat(from).catch((error: Error) => {
    throw new UsageError(`${path}: cannot be read: ${error.message}`);
  });
  if (!kind.isDirectory()) return openTarball(from, path, undefined);
  const stage = await stageRego([path], { cwd: io.cwd, tests: false });
  try {
    return await bundleOf(stage, path);
  } finally {
    await stage.remove();
  }
}

/** What is on a stage, as a bundle; UsageError for what the operator would not open, `called` so. */
export async function bundleOf(stage: Stage, called: string): Promise<Bundle> {
  const { defaultLimits: limits, openBundle } = await import("@guardbee/operator/offline");
  const names = await readdir(stage.folder, { recursive: true, withFileTypes: true });
  const paths = names.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  const files = await Promise.all(
    paths.map(async (file) => [file.slice(stage.folder.length + 1), await readFile(file)] as const),
  );
  return orUsage(called, openBundle({ content: { kind: "files", files }, digest: "", limits }));
}

/** Reads it as the operator does; what it would refuse is a UsageError for the file `called` so. */
export async function openTarball(
  file: string,
  called: string,
  signer: Signer | undefined,
): Promise<Bundle> {
  const {
    bundleDigest,
    defaultLimits: limits,
    openBundle,
  } = await import("@guardbee/operator/offline");
  const tarball = await readFile(file);
  const opened = openBundle({
    content: { kind: "tarball", tarball },
    digest: bundleDigest(tarball),
    limits,
    ...(signer === undefined ? {} : { verification: { keys: [signer.key] } }),
  });
  return orUsage(called, opened);
}

async function orUsage(path: string, opened: Promise<Bundle>): Promise<Bundle> {
  try {
    return await opened;
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}`);
  }
}
