import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, onGetpriority } from "./testing/policies.ts";
import { run } from "./testing/scene.ts";
import { testProgram } from "./testing/test-program.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());

/** Several times what the ring holds. */
const produced = 150_000;
/** Calls for processes from here on are marks; there are no such processes. */
const firstMark = 5_000_000;

test("what the ring had no room for is counted: produced is delivered and lost, exactly", async () => {
  await kernel.events.close(); // the ring has one reader at a time
  await kernel.program([aSet("all", onGetpriority())]);
  const reader = new Reader(globSync(`${kernel.bpffs}/*/maps/posts`)[0]!);
  assert.equal(await reader.next(), "reading");
  const before = lostPosts();
  reader.kill("SIGSTOP");
  await call(0, produced);
  reader.kill("SIGCONT");
  // A mark may find the ring still full, so there are more until one is delivered.
  let delivered: string | undefined;
  const line = reader.next().then((text) => {
    delivered = text;
  });
  for (let mark = firstMark; delivered === undefined; mark++) {
    await call(mark, 1);
    await Promise.race([line, call(0, 0)]);
  }
  await reader.end();
  const [mark, count] = delivered.split(" ").map(Number);
  const lost = lostPosts() - before;
  assert.ok(lost > 0, "nothing was lost");
  assert.equal(count! + lost, produced + (mark! - firstMark + 1));
});

function lostPosts(): number {
  const { ring_post, share_post } = kernel.engine.losses();
  return Number(ring_post + share_post);
}

/** A process that calls getpriority(2) for process `who`. */
function call(who: number, times: number): Promise<unknown> {
  return run("node", "-e", `for (let i = 0; i < ${times}; i++) os.getPriority(${who})`);
}

/** Another process that reads the ring. */
class Reader {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(ring: string) {
    const script = testProgram("agent/kernel/testing/ring-counter.ts");
    const stdio = ["ignore", "pipe", "inherit"] as const;
    this.#child = spawn(process.execPath, [script, ring, String(firstMark)], { stdio: [...stdio] });
    this.#lines = createInterface(this.#child.stdout!)[Symbol.asyncIterator]();
  }

  async next(): Promise<string> {
    return (await this.#lines.next()).value;
  }

  kill(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  async end(): Promise<void> {
    const ended = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await ended;
  }
}
