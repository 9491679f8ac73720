import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { elapsed, teller } from "../progress.ts";
import { cacheRoot, itemDir } from "./cache.ts";
import { assertGo } from "./go.ts";
import { type Item, itemIn } from "./item.ts";

const tell = teller("build");

/** How often a build that prints nothing says that it is alive. */
const heartbeatMs = 20_000;

/** Runs under a lock in one shell, so that a caller who dies leaves no lock behind. */
const lockedBuild = `
exec 9>"$FINAL.lock"
flock -n 9 || { echo "STEP 0/0 another build of $NAME is running: waiting for it"; flock 9; }
[ -d "$FINAL" ] && exit 0
rm -rf "$TMP" && mkdir -p "$OUT" "$WORK" || exit
bash "$SCRIPT" 9>&- || exit
mv "$OUT" "$FINAL" && rm -rf "$TMP"
`;

/** Output name to path for every output of the items, which are built first if missing. */
export async function ensureBuilt(items: readonly Item[]): Promise<Record<string, string>> {
  for (const item of items) {
    if (!existsSync(itemDir(item))) await build(item);
  }
  return Object.fromEntries(items.flatMap((item) => Object.entries(outputPaths(item))));
}

/** Output name to path, whether the item is built or not. */
export function outputPaths(item: Item): Record<string, string> {
  const dir = itemDir(item);
  return Object.fromEntries(
    Object.entries(item.outputs).map(([name, path]) => [name, join(dir, path)]),
  );
}

async function build(item: Item): Promise<void> {
  if (item.needsGo) assertGo();
  mkdirSync(cacheRoot(), { recursive: true });
  const final = itemDir(item);
  const tmp = `${final}.tmp`;
  const child = spawn("bash", ["-c", lockedBuild], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      GOFLAGS: "",
      GOTOOLCHAIN: "local",
      ...item.env,
      ...item.files,
      NAME: item.name,
      SCRIPT: item.script,
      FINAL: final,
      TMP: tmp,
      OUT: join(tmp, "out"),
      WORK: join(tmp, "work"),
    },
  });
  const code = await followBuild(item, child);
  if (code.status !== 0) {
    throw new Error(`item ${item.name}: build ended with ${code.status}:\n${code.tail.join("\n")}`);
  }
}

/** Shows each step and a heartbeat; the result has the last lines for the error message. */
async function followBuild(
  item: Item,
  child: ReturnType<typeof spawn>,
): Promise<{ status: number | null; tail: string[] }> {
  const startedAt = performance.now();
  const tail: string[] = [];
  let step = "starting";
  const heartbeat = setInterval(
    () => tell(`${item.name}: still at ${step} (${elapsed(startedAt)})`),
    heartbeatMs,
  );
  const take = (line: string): void => {
    const text = /^STEP (.*)$/.exec(line)?.[1];
    if (text !== undefined) {
      step = text.replace(/;.*/, "");
      tell(`${item.name}: ${text} (${elapsed(startedAt)})`);
    }
    tail.push(line);
    if (tail.length > 40) tail.shift();
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on("line", take);
  }
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  clearInterval(heartbeat);
  if (status === 0) tell(`${item.name}: built (${elapsed(startedAt)})`);
  return { status, tail };
}

/** The command that builds what is missing of the named items and prints the paths: `[--json] [ITEM...]`. */
export async function buildCommand(all: readonly Item[], args: readonly string[]): Promise<void> {
  const json = args.includes("--json");
  const named = args.filter((arg) => !arg.startsWith("--"));
  const byDefault = all.filter(({ onRequest }) => !onRequest);
  const wanted = named.length > 0 ? named.map((name) => itemIn(all, name)) : byDefault;
  const paths = await ensureBuilt(wanted);
  const lines = Object.entries(paths).map(([name, path]) => `${name} ${path}`);
  process.stdout.write(`${json ? JSON.stringify(paths) : lines.join("\n")}\n`);
}
