import { arg } from "./arg.ts";
import { flag, int64, list, object, optional, type Rule, requiredList, text } from "./dsl.ts";
import { selectors } from "./selector.ts";

const returnNeedsArg: Rule = {
  rule: "!has(self.return) || (!self.return || has(self.returnArg))",
  message: "has return: true without returnArg; add returnArg",
  holds: (self) => self.return !== true || self.returnArg !== undefined,
};

const oneAddressing: Rule = {
  rule: "!(has(self.symbols) && has(self.addrs)) && !(has(self.symbols) && has(self.offsets)) && !(has(self.addrs) && has(self.offsets))",
  message: "has several of symbols, addrs and offsets; keep one",
  holds: (self) =>
    [self.symbols, self.addrs, self.offsets].filter((v) => v !== undefined).length <= 1,
};

const described = {
  message: optional(text({ description: "Is in each event." })),
  tags: list(text(), { maxItems: 16, description: "Are in each event." }),
};

const returns = {
  return: flag({ default: false }),
  returnArg: optional(arg),
};

export const kprobe = object(
  {
    args: list(arg, { description: "What to read of each call." }),
    call: text({ description: "A kernel function, or a system call such as sys_write." }),
    data: list(arg),
    ignore: optional(object({ callNotFound: flag() })),
    ...described,
    ...returns,
    returnArgAction: optional(text()),
    selectors,
    syscall: flag({ default: true, description: "Whether call is a system call." }),
  },
  { "x-kubernetes-validations": [returnNeedsArg] },
);

export const lsmhook = object({
  args: list(arg),
  hook: text(),
  ...described,
  selectors,
});

export const tracepoint = object({
  args: list(arg),
  event: text(),
  ...described,
  raw: flag(),
  selectors,
  subsystem: text(),
});

export const uprobe = object(
  {
    addrs: list(int64()),
    args: list(arg),
    binaryDigests: list(text()),
    btfPath: optional(text()),
    data: list(arg),
    ignore: optional(object({ digestVerificationFailure: flag() })),
    ...described,
    offsets: list(int64()),
    path: text(),
    refCtrOffsets: list(int64()),
    ...returns,
    selectors,
    symbols: list(text()),
  },
  { "x-kubernetes-validations": [oneAddressing, returnNeedsArg] },
);

export const usdt = object({
  args: list(arg),
  btfPath: optional(text()),
  ...described,
  name: text(),
  path: text(),
  provider: text(),
  selectors,
});

export const enforcer = object({ calls: requiredList(text()) });
