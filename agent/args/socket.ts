import { enums } from "../gen/layout.ts";
import { sockCodec } from "./sock.ts";

export const socket = sockCodec("socket", enums.arg_type.ARG_SOCKET);
