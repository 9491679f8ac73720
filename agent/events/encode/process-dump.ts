import { tags } from "../../gen/wire-numbers.ts";
import type { Process } from "../../process/process.ts";
import { WireWriter } from "../../wire/writer.ts";
import { stateOfKnown } from "../event.ts";
import { createProcessWriter, type ProcessWriterOptions } from "./process-wire.ts";

/** A process that is known. */
export type DumpedProcess = {
  /** A ProcessInternal of the gRPC API in which there is the process alone. */
  readonly message: Uint8Array;
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
    return { message: out.take(), refs: process.refs, running: process.running };
  };
}
