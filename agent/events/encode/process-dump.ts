import { fromBinary } from "@bufbuild/protobuf";
import { ProcessInternalSchema, type Process as ProcessMessage, tags } from "../../gen/wire.ts";
import type { Process } from "../../process/process.ts";
import { WireWriter } from "../../wire/writer.ts";
import { stateOfKnown } from "../event.ts";
import { createProcessWriter, type ProcessWriterOptions } from "./process-wire.ts";

/** A process that is known, as the gRPC API has it. */
export type DumpedProcess = {
  readonly process: ProcessMessage;
  readonly refs: number;
  readonly running: boolean;
};

/** What is said of each process when somebody asks for all of them. */
export function createProcessDump(
  options: Omit<ProcessWriterOptions, "out">,
): (process: Process) => DumpedProcess {
  const out = new WireWriter();
  const processes = createProcessWriter({ ...options, out });
  return (process) => {
    const state = stateOfKnown(process);
    processes.process(tags.ProcessInternal.process, { state, tid: process.key.pid });
    const message = fromBinary(ProcessInternalSchema, out.take());
    return { process: message.process!, refs: process.refs, running: process.running };
  };
}
