/** SNS's promise: no data key is reused for longer, whatever another gateway is configured to. */
export const MAX_REUSE_MS = 300_000
