export { type BackOff, backOffMs } from "./back-off.ts";
export { BoundedMap } from "./bounded-map.ts";
export { type Clock, stamp, systemClock, withDeadline } from "./clock.ts";
export {
  type ConnectOptions,
  connect,
  connectWith,
  type KubeConnection,
  type KubeRequest,
} from "./connection.ts";
export { KubeconfigError } from "./credentials.ts";
export { FairSlots } from "./fair-slots.ts";
export type { TurnOwner, TurnShares } from "./fair-turns.ts";
export { type Health, type HealthListen, serveHealth, serveMetrics } from "./health.ts";
export type { HttpAnswer, HttpRequest, HttpRoute } from "./http-exchange.ts";
export { type HttpListen, type HttpServer, serve } from "./http-server.ts";
export { askedDelayMs, isKubeError, KubeError } from "./kube-error.ts";
export { Lease, type LeaseOptions, type LeaseState } from "./lease.ts";
export { type ListRequest, listPages, type Page } from "./list-pages.ts";
export { Loop, type LoopOptions, type NextStep } from "./loop.ts";
export { ManualClock } from "./manual-clock.ts";
export {
  type Applied,
  type ApplyOptions,
  applyObject,
  applyStatus,
  createObject,
  deleteObject,
  getObject,
  listObjects,
} from "./objects.ts";
export { observeRequests, type RequestObserver } from "./observe-requests.ts";
export { orAborted } from "./or-aborted.ts";
export { isNotOlder, OwnWrites, type OwnWritesOptions } from "./own-writes.ts";
export { type PeerBounds, PeerTable } from "./peer-table.ts";
export { type Change, Reflector, type ReflectorOptions } from "./reflector.ts";
export type { Cause, ReflectorState, ReflectorStep } from "./reflector-state.ts";
export {
  apiVersion,
  collectionPath,
  type KubeObject,
  metadataOnly,
  type ObjectMeta,
  type ObjectRef,
  type OwnerReference,
  objectKey,
  objectPath,
  type Resource,
  resources,
} from "./resource.ts";
export { runTogether } from "./run-together.ts";
export type { TrustedClients } from "./trusted-clients.ts";
export { untilAborted } from "./until-aborted.ts";
export {
  after,
  done,
  type Outcome,
  type QueueDepth,
  type Work,
  WorkQueue,
  type WorkQueueOptions,
} from "./work-queue.ts";
