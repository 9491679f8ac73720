import { flag, int32, object, oneOf, optional, text } from "./dsl.ts";
import { upstreamArgTypes } from "./vocabulary.ts";

/** One of a hook's args. */
export const arg = object({
  btfType: optional(
    text({ description: "The struct that resolve begins at, if the kernel does not say." }),
  ),
  btfTypeModule: optional(text({ description: "The module that has btfType." })),
  index: int32({ minimum: 0, description: "Which parameter of the call, from 0." }),
  label: optional(text({ description: "Its name in events." })),
  maxData: flag({ default: false }),
  resolve: optional(
    text({
      default: "",
      description: "What to read of it: a path of members, such as mm.owner.comm.",
    }),
  ),
  returnCopy: flag({ default: false, description: "Read the buffer when the call returns." }),
  sizeArgIndex: optional(
    int32({ minimum: 0, description: "Which parameter holds the length, from 1." }),
  ),
  source: optional(text({ description: "Of data: current_task, or pt_regs." })),
  type: oneOf(upstreamArgTypes, { default: "auto", description: "How to read it." }),
});
