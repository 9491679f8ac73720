import { fetchBundle, defaultLimits } from "./index.ts";
import net from "node:net";
console.log("start");
const signal = new AbortController().signal;
let open=0,n=0;
const silent = net.createServer(s=>{open++;n++;s.on("error",()=>{});s.on("data",()=>{});s.on("close",()=>open--)}).listen(0,"127.0.0.1"); await new Promise(r=>silent.once("listening",r));
const get = async (source, egress, more={}) => { const t=Date.now(); let r; try { r=await fetchBundle(source, { egress:{option:"--bundle-hosts",...egress}, limits: defaultLimits, timeoutMs: 3000, idleMs: 1000, signal, ...more }); } catch (e) { r= `${e.name} ${e.reason}: ${e.message?.slice(0,300)}` } console.log("  settled",r,Date.now()-t); await new Promise(r=>setTimeout(r,100)); return `${Date.now()-t}ms open=${open} n=${n} ${JSON.stringify(r)}` };
setTimeout(async()=>{console.log(process.getActiveResourcesInfo()); process.exit(9)},6000);
const host="127.0.0.1";
  process.env.HTTPS_PROXY=`http://user:pass@${host}:${silent.address().port}`; process.env.HTTP_PROXY=process.env.HTTPS_PROXY;
  console.log("https", await get({kind:"http",digest:"sha256:"+"0".repeat(64),url:"http://bundles.example/b"},{}));
process.exit(0)
