import type { Static, TObject } from "typebox";
import { flag, type Immutable, int32, int64, list, optional, text } from "./dsl.ts";

/** What upstream's actions are told, beside which action it is. */
export const upstreamActionFields = {
  argError: optional(int32({ description: "Override: what the call returns, e.g. -1 (EPERM)." })),
  argFqdn: optional(text({ description: "DnsLookup: the name to ask for." })),
  argFd: optional(
    int32({ minimum: 0, description: "FollowFD, UnfollowFD, CopyFD: index of the descriptor." }),
  ),
  argName: optional(
    int32({
      minimum: 0,
      description: "FollowFD: index of the file. CopyFD: index of the new descriptor.",
    }),
  ),
  argIndex: optional(int32()),
  argNewAddr: optional(int64()),
  argNewOffset: optional(int64()),
  argNewSymbol: optional(text()),
  argRegs: list(text()),
  argSig: optional(int32({ description: "Signal: its number." })),
  argSock: optional(
    int32({ minimum: 0, description: "TrackSock, UntrackSock: position of the socket in args." }),
  ),
  argUrl: optional(text({ description: "GetUrl: the address to fetch." })),
  argValue: optional(int32()),
  imaHash: flag(),
  kernelStackTrace: flag(),
  rateLimit: optional(
    text({
      description: "Post: of alike calls report one in 30s, 5m, 1h; seconds without a unit.",
    }),
  ),
  rateLimitScope: optional(
    text({ description: "Whose calls are alike: thread (if absent), process or global." }),
  ),
  userStackTrace: flag(),
};

/** One of matchActions. */
export type ActionSpec = Immutable<Static<TObject<typeof upstreamActionFields>>> & {
  readonly action: string;
};
