// @ts-check
/** The files of this version. */
const FILES = {{files}};
