export { load_info } from "./module.ts";
