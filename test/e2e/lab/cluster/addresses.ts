/** The lab's private network. Nothing of it is visible outside the network namespace. */
export const namespace = "gblab";
export const bridge = "gblab0";
export const apiAddress = "10.77.0.1";
export const nodePrefixLength = 16;
export const serviceRange = "10.96.0.0/16";
/** The API server's service, on lo of the namespace: in-cluster clients need no kube-proxy. */
export const apiServiceAddress = "10.96.0.1";
export const execdPort = 7000;

/** What the network gives to the node with `index`, 1 to 200. */
export type NodeAddresses = {
  readonly address: string;
  readonly podRange: string;
  readonly podGateway: string;
  readonly tap: string;
  readonly mac: string;
};

/** The addresses of the node with `index`, 1 to 200; the same index, the same addresses. */
export function nodeAddresses(index: number): NodeAddresses {
  const hex = index.toString(16).padStart(2, "0");
  return {
    address: `10.77.1.${index}`,
    podRange: `10.78.${index}.0/24`,
    podGateway: `10.78.${index}.1`,
    tap: `gbtap${index}`,
    mac: `52:54:00:77:01:${hex}`,
  };
}
