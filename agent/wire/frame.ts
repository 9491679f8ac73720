/** What stands before a message on a stream: whether it is compressed, in a byte, then its length in four. */
export const frameHeadBytes = 5;

/** A message as it goes onto a stream of gRPC. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(frameHeadBytes + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, frameHeadBytes);
  return framed;
}
