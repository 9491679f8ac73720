// What an agent makes of pods and sets, for who only looks: it loads no kernel code and no addon.
export { type Container, type Pod, parsePod } from "./scope/pods.ts";
export { setsIn } from "./scope/resolve.ts";
export {
  contentFor,
  type ObjectSets,
  parseSetObject,
  type UnusableObject,
} from "./session/set-object.ts";
