import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "@guardbee/kube";
import pino from "pino";
import { Session } from "../../agent/session/session.ts";
import { StateDir } from "../../agent/state/state-dir.ts";
import { connectAs } from "../../test/fleet/connect.ts";
import { FakeKernel } from "../../test/fleet/fake-kernel.ts";
import type { AgentsOrder, Login } from "../../test/fleet/messages.ts";

/** After this long without a byte an agent has read what there is; bookmarks come by the minute. */
const quietMs = 5_000;

/**
 * Bytes that an agent reads off its sockets from a start with a warm disk until it has nothing more
 * to ask: TLS, headers and all.
 */
export async function measureRestart(
  server: string,
  agent: AgentsOrder["agents"][number],
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "guardbee-restart-"));
  const meter = await Meter.start(new URL(server));
  try {
    const login = { server: meter.url, token: agent.token };
    await runUntilQuiet(login, agent, folder, meter);
    const beforeBytes = meter.readBytes;
    await runUntilQuiet(login, agent, folder, meter);
    return meter.readBytes - beforeBytes;
  } finally {
    meter.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runUntilQuiet(
  login: Login,
  { node, kernel }: AgentsOrder["agents"][number],
  folder: string,
  meter: Meter,
): Promise<void> {
  const stop = new AbortController();
  const connection = connectAs(login, "guardbee-agent");
  const session = await Session.open({
    connection,
    nodeName: node,
    engine: new FakeKernel(kernel),
    state: new StateDir(join(folder, "state")),
    cgroupRoot: folder,
    agentVersion: "bench",
    clock: systemClock,
    log: pino({ level: "fatal" }, process.stderr),
  });
  const ended = session.run(stop.signal);
  const startedAt = performance.now();
  let seenBytes = -1;
  for (let quietAt = startedAt; performance.now() - quietAt < quietMs; await sleep(100)) {
    if (performance.now() - startedAt > 120_000) throw new Error("restart: the agent reads on");
    if (meter.readBytes === seenBytes && session.states() !== undefined) continue;
    seenBytes = meter.readBytes;
    quietAt = performance.now();
  }
  stop.abort();
  await ended;
  connection.close();
}

/** A TCP proxy that counts what comes from the server. */
class Meter {
  readonly url: string;
  /** Written by the sockets' listeners. */
  readBytes = 0;
  readonly #server: ReturnType<typeof createServer>;

  static async start(target: URL): Promise<Meter> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Meter(server, target);
  }

  private constructor(server: ReturnType<typeof createServer>, target: URL) {
    this.#server = server;
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (client) => {
      const upstream = connect(Number(target.port), target.hostname);
      upstream.on("data", (chunk) => {
        this.readBytes += chunk.length;
      });
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        one.pipe(other);
        one.on("error", () => other.destroy());
        one.on("close", () => other.destroy());
      }
    });
  }

  close(): void {
    this.#server.close();
  }
}
