/** Test support: asks over one TLS connection, each time as soon as the answer before is there. Its own thread. */
import { connect } from "node:tls";
import { parentPort, workerData } from "node:worker_threads";

const { port, count } = workerData as { readonly port: number; readonly count: number };
const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
const ask = () => socket.write("GET /held HTTP/1.1\r\nhost: x\r\n\r\n");
let answers = 0;
socket.on("secureConnect", ask);
socket.on("data", (chunk: Buffer) => {
  answers += chunk.toString().split("HTTP/1.1 200 OK").length - 1;
  if (answers < count) ask();
  else socket.destroy();
});
socket.on("error", () => {});
socket.on("close", () => parentPort!.postMessage(answers));
