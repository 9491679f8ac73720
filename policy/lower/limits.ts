/** Longest path or buffer value, in bytes: what is left of a 256-byte key for the kernel's trie. */
export const maxPathBytes = 252;
/** Longest text that others are to end with: in the kernel whole words of 8 bytes. */
export const maxPostfixBytes = 248;
/** The same of the end of an executable's path. */
export const maxBinaryPostfixBytes = 128;
/** Arguments of one call that can be read: system calls and kernel functions pass five at most. */
export const maxArgs = 5;
/** Highest `index` of an argument. */
export const maxArgIndex = maxArgs - 1;
/** The same of a field of a tracepoint's format file. */
export const maxFieldIndex = 31;
/** Largest number that the kernel takes for an errno. */
export const maxErrno = 4095;
/** Largest signal number (SIGRTMAX). */
export const maxSignal = 64;
/** Bytes of `message` and of each of `tags` that an event carries; the rest is cut, as upstream. */
export const maxMessageBytes = 256;
export const maxTagBytes = 128;
