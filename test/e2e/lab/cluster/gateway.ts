// Runs inside the lab's network namespace and lets the host in: file descriptor 3 is a socket that
// the host listens on, every connection to it goes to the API server; a connection to the Unix
// socket says `ADDRESS:PORT\n` first and goes there.
//   node gateway.ts SOCKET API_ADDRESS API_PORT     (started by control-plane.ts)
import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";

function join(client: Socket, address: string, port: number): void {
  const server = connect({ host: address, port, allowHalfOpen: true });
  client.pipe(server);
  server.pipe(client);
  client.on("error", () => server.destroy()).on("close", () => server.destroy());
  server.on("error", () => client.destroy()).on("close", () => client.destroySoon());
}

function main([socket, apiAddress, apiPort]: readonly string[]): void {
  const open = { allowHalfOpen: true };
  createServer(open, (client) => join(client, apiAddress!, Number(apiPort))).listen({ fd: 3 });
  rmSync(socket!, { force: true });
  createServer(open, (client) => {
    client.on("error", () => client.destroy());
    client.once("readable", () => {
      const line: string = client.read()?.toString("latin1") ?? "";
      const end = line.indexOf("\n");
      const [address, port] = line.slice(0, end).split(":");
      client.unshift(Buffer.from(line.slice(end + 1), "latin1"));
      join(client, address!, Number(port));
    });
  }).listen(socket);
}

main(process.argv.slice(2));
