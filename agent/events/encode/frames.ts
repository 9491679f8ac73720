import { frame } from "../../wire/frame.ts";
import { type AgentEvent, isUrgent } from "../event.ts";
import type { Batch, LineEncoder, Lines } from "./lines.ts";

/** Encodes each event as a message of a gRPC stream; what was made of an event is made once. */
export function createFrameEncoder(messageOf: (event: AgentEvent) => Uint8Array): LineEncoder {
  const frameOf = (event: AgentEvent) => (event.frame ??= frame(messageOf(event)));
  let last: { readonly events: readonly AgentEvent[]; readonly batch: Batch } | undefined;
  return {
    encode(events) {
      if (last?.events === events) return last.batch;
      const urgent = events.filter(isUrgent);
      const all = encodedOf(events.map(frameOf));
      const batch = urgent.length === 0 ? all : { ...all, urgent: encodedOf(urgent.map(frameOf)) };
      last = { events, batch };
      return batch;
    },
  };
}

/** The same with another message than the one that events have for most readers: it is not kept. */
export function createOwnFrameEncoder(messageOf: (event: AgentEvent) => Uint8Array): LineEncoder {
  return {
    encode(events) {
      const framesOf = (some: readonly AgentEvent[]) =>
        encodedOf(some.map((event) => frame(messageOf(event))));
      const urgent = events.filter(isUrgent);
      const all = framesOf(events);
      return urgent.length === 0 ? all : { ...all, urgent: framesOf(urgent) };
    },
  };
}

function encodedOf(frames: readonly Buffer[]): Lines {
  const bytes = frames.length === 1 ? frames[0]! : Buffer.concat(frames);
  return { lines: bytes, count: frames.length };
}
