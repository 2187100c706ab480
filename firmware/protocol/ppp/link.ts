/** One PPP link (RFC 1661 section 3): at first the types of its seam. */
export type * from './link-types.js';
