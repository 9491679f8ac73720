import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import protobuf from "protobufjs";

/** The messages as protobufjs reads them: another implementation than the server's. */
const root = new protobuf.Root();
const imported = new Set<string>();
const wire = join(import.meta.dirname, "../../wire");
for (const file of globSync("**/*.proto", { cwd: wire }).sort()) {
  const { imports } = protobuf.parse(readFileSync(join(wire, file), "utf8"), root, {
    keepCase: true,
  });
  for (const name of imports ?? []) imported.add(name);
}
for (const name of imported) root.addJSON(protobuf.common.get(name)?.nested ?? {});
root.resolveAll();

export const typeOf = (name: string): protobuf.Type => root.lookupType(name);
export const serviceOf = (name: string): protobuf.Service => root.lookupService(name);

/** Objects as protobufjs shows them: names of the .proto file, enums by name, numbers of 64 bits as text. */
export type Plain = { readonly [key: string]: unknown };
export type Failure = { readonly code: number; readonly details: string };

const shown = { enums: String, longs: String, bytes: String } as const;

/** A client of which not a line is ours: grpc-js, and protobufjs for what is in the messages. */
export class ForeignClient {
  readonly #client: grpc.Client;
  readonly #service: protobuf.Service;
  readonly #path: string;

  constructor(address: string, service: string, credentials = grpc.credentials.createInsecure()) {
    // A connection of its own: clients of one address share one else.
    const options = { "grpc.use_local_subchannel_pool": 1 };
    this.#client = new grpc.Client(address, credentials, options);
    this.#service = serviceOf(service);
    this.#path = `/${service}`;
  }

  /** The answer, or the status that the call failed with. `extra`: bytes behind the request. */
  call(method: string, request: Plain = {}, extra = Buffer.alloc(0)): Promise<Plain | Failure> {
    const { input, output } = this.#types(method);
    const bytes = Buffer.concat([encode(input, request), extra]);
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        `${this.#path}/${method}`,
        asIs,
        asIs,
        bytes,
        { deadline: Date.now() + 10_000 },
        (error: grpc.ServiceError | null, value?: Buffer) => {
          if (error === null) resolve(output.toObject(output.decode(value!), shown));
          else resolve({ code: error.code, details: error.details });
        },
      );
    });
  }

  /** Messages of a stream, as they come. */
  stream(method: string, request: Plain = {}) {
    const { input, output } = this.#types(method);
    const call = this.#client.makeServerStreamRequest(
      `${this.#path}/${method}`,
      asIs,
      (bytes: Buffer) => output.toObject(output.decode(bytes), shown) as Plain,
      Buffer.from(encode(input, request)),
    );
    return call;
  }

  close(): void {
    this.#client.close();
  }

  #types(method: string): { readonly input: protobuf.Type; readonly output: protobuf.Type } {
    const found = this.#service.methods[method]!;
    return { input: found.resolvedRequestType!, output: found.resolvedResponseType! };
  }
}

const asIs = (bytes: Buffer) => bytes;

function encode(type: protobuf.Type, value: Plain): Uint8Array {
  return type.encode(type.fromObject(value)).finish();
}
