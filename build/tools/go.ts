import { spawnSync } from "node:child_process";

/** The oldest Go that builds every pinned module. */
const wanted = { major: 1, minor: 26 };

/** Throws, saying what to install, unless a new enough `go` is on the PATH. */
export function assertGo(): void {
  const run = spawnSync("go", ["env", "GOVERSION"], {
    encoding: "utf8",
    env: { ...process.env, GOTOOLCHAIN: "local" },
  });
  const problem = goProblem(run.status === 0 ? run.stdout.trim() : undefined);
  if (problem !== undefined) throw new Error(problem);
}

/** What is wrong with `version` (as `go env GOVERSION` prints it), or undefined. */
export function goProblem(version: string | undefined): string | undefined {
  const advice = `install Go ${wanted.major}.${wanted.minor} or newer and put it on the PATH`;
  if (version === undefined) return `go: is not on the PATH; ${advice}`;
  const match = /^go(\d+)\.(\d+)/.exec(version);
  if (match === null) return `go: version ${version} is not understood; ${advice}`;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const enough = major > wanted.major || (major === wanted.major && minor >= wanted.minor);
  return enough ? undefined : `go: version ${version} is too old for Kubernetes; ${advice}`;
}
