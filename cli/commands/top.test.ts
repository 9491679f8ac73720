import assert from "node:assert/strict";
import { test } from "node:test";
import { execEvent } from "../../agent/events/event.ts";
import { aFolder, aNode, until } from "../../agent/grpc/testing/a-node.ts";
import { ProcessTree } from "../../agent/process/tree.ts";
import { runCli } from "../run-cli.ts";
import { anIo } from "../testing-io.ts";
import { formatLoad } from "../top/format-load.ts";
import { LoadCounter } from "../top/load.ts";

test("top counts what the agent streams, and ends after as many intervals as it is told", async (t) => {
  const { events, path } = await aNode(t);
  const tree = new ProcessTree(() => 0);
  const kernel = tree.all()[Symbol.iterator]().next().value!;
  const { io, out, err } = anIo();
  const flags = ["--server-address", `unix://${path}`, "--interval", "1", "-o", "json"];
  const running = runCli(["top", ...flags, "--count", "1"], io);
  await until(() => events.stats().readers === 1);
  events.write([execEvent(kernel, 1n), execEvent(kernel, 2n)]);
  assert.equal(await running, 0);
  assert.equal(err(), "");
  const { load, stops, seconds } = JSON.parse(out());
  assert.ok(seconds >= 1);
  assert.deepEqual(stops, {});
  assert.deepEqual(load, {
    ...{ events: 2, missed: 0, others: 0, policies: [] },
    processes: [{ namespace: "", pod: "", binary: "<kernel>", events: 2 }],
  });
});

test("top without an agent says so, and ends with 3", async (t) => {
  const { io, err } = anIo();
  const code = await runCli(["top", "--server-address", `unix://${aFolder(t)}/x.sock`], io);
  assert.equal(code, 3);
  assert.match(err(), /^guardbee top: no agent answers: connect ENOENT .*; start guardbee agent/);
});

test("the most are shown first, with what their policies stopped meanwhile", () => {
  const counter = new LoadCounter();
  const vi = { namespace: "default", pod: "xwing", binary: "/usr/bin/vi" };
  for (let i = 0; i < 30; i++) counter.add({ ...vi, policy: "p", call: "sys_write" });
  counter.add({ ...vi, policy: "p", call: "fd_install" });
  counter.add({ policy: "", call: "exec", namespace: "", pod: "", binary: "/bin/\u001b[31mls" });
  counter.miss(7);
  const stops = new Map([
    ["p", { stopped: 4, wouldStop: 0 }],
    ["quiet", { stopped: 0, wouldStop: 20 }],
  ]);
  const shown = { time: "T", seconds: 2, load: counter.take(), stops };
  assert.equal(
    formatLoad(shown, { rows: 10, columns: undefined }),
    `T  16 events/s, and 7 that were not read fast enough

POLICY   CALL         EVENTS/S   STOPPED/S   WOULD STOP/S
p        sys_write    15         2.0         0
p        fd_install   0.5        -           -
quiet    -            0          0           10

POD             BINARY              EVENTS/S
default/xwing   /usr/bin/vi         16
(host)          /bin/\\u001b[31mls   0.5
`,
  );
  assert.equal(counter.take().events, 0);
});

test("of names without end the first are told apart, and the others counted", () => {
  const counter = new LoadCounter();
  for (let i = 0; i < 10_050; i++) {
    counter.add({ policy: "", call: "exec", namespace: "", pod: "", binary: `/tmp/${i}` });
  }
  const { events, others, processes } = counter.take();
  assert.deepEqual([events, others, processes.length], [10_050, 50, 10_000]);
});
