import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { lockKernel } from "../kernel/testing/guest-kernel.ts";
import { run } from "../kernel/testing/scene.ts";
import { RunningAgent } from "./testing/running-agent.ts";

const unlock = await lockKernel();
after(unlock);

test("upstream's open_geturl has the agent fetch the address when the file is opened", async (t) => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.end("nobody reads this");
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = new URL("../../policy/testdata/upstream/open_geturl.yaml", import.meta.url);
  const policy = readFileSync(url, "utf8").replace(
    "http://ebpf.io",
    `http://127.0.0.1:${port}/canary`,
  );
  const agent = new RunningAgent(policy, ["--request-hosts", `127.0.0.1:${port}`]);
  t.after(() => agent.signal("SIGKILL"));
  await agent.start();
  const made = async () => (await agent.metrics())?.get('requests_total{result="made"}') ?? 0;
  // On a busy machine a request fails that is not answered within 5 s.
  while ((await made()) === 0) await run("/usr/bin/cat", "/etc/passwd");
  await agent.stop();
  assert.ok(seen.length > 0 && seen.every((one) => one === "GET /canary"), seen.join(", "));
});
