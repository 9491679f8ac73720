import { arithmetic } from "./arithmetic.ts";
import type { Builtin } from "./builtin.ts";
import { cidr } from "./cidr.ts";
import { crypto } from "./crypto.ts";
import { encoding } from "./encoding.ts";
import { glob } from "./glob.ts";
import { jsonPatch } from "./json-patch.ts";
import { moduleEncoding } from "./module-encoding.ts";
import { moduleStrings } from "./module-strings.ts";
import { objects } from "./objects.ts";
import { regex } from "./regex.ts";
import { semver } from "./semver.ts";
import { sprintf } from "./sprintf.ts";
import { strings } from "./strings.ts";
import { time } from "./time.ts";
import { units } from "./units.ts";
import { yaml } from "./yaml.ts";

/**
 * Every builtin that the host supplies, by Rego's name for it: pure, and the same as opa's, value by
 * value (parity.test.ts). What the module has compiled in is among them only where it gives something
 * else there (host-functions.ts).
 */
export const builtins: Readonly<Record<string, Builtin>> = {
  ...arithmetic,
  ...cidr,
  ...crypto,
  ...encoding,
  ...glob,
  "json.patch": jsonPatch,
  ...moduleEncoding,
  ...moduleStrings,
  ...objects,
  ...regex,
  ...semver,
  sprintf,
  ...strings,
  ...time,
  trace: () => true,
  ...units,
  ...yaml,
};
