import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Somebody who receives an agent's events, in a process of its own. */
export type Receiver = {
  /** Until it has received so many. */
  until(count: number): Promise<void>;
  stop(): void;
};

/** A client of the gRPC API that asks for all events. */
export function receiveGrpc(socket: string): Receiver {
  return start("grpc", socket);
}

/** A receiver of OTLP over gRPC on a port of 127.0.0.1. */
export function receiveOtlp(port: number): Receiver {
  return start("otlp", String(port));
}

function start(...args: readonly string[]): Receiver {
  const script = fileURLToPath(new URL("./receive.ts", import.meta.url));
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let received = 0;
  let wake = () => {};
  createInterface({ input: child.stdout }).on("line", (line) => {
    received = Number(line);
    wake();
  });
  return {
    until: (count) =>
      new Promise((resolve, reject) => {
        wake = () => {
          if (received >= count) resolve();
        };
        wake();
        child.once("exit", (code) => reject(new Error(`the receiver ended with ${code}`)));
      }),
    stop: () => child.kill("SIGKILL"),
  };
}
