/**
 * How many requests KMS will get: R = B / D × (2 × P), the formula of SNS's encryption guide, for one gateway; with g
 * gateways that share each publisher (g + 1) × P a period instead of 2 × P: one GenerateDataKey, a Decrypt for each other
 * gateway, and one for the worker. Pure.
 *
 * It is what steady publishers cause, and at most what any cause on standard topics with stable leases: a publisher that is
 * idle in a period asks for nothing.
 */

export interface TopicEstimate {
  readonly name: string
  readonly publishers: number
  readonly requestsPerPeriod: number
  readonly requests: number
}

export interface Estimate {
  readonly topics: readonly TopicEstimate[]
  /** Reuse periods in the span; a begun one counts, since its data key has been asked for. */
  readonly periods: number
  readonly requestsPerPeriod: number
  readonly requests: number
}

/**
 * @param o.seconds the span, B
 * @param o.reuseSeconds D
 * @param o.topics with P each
 * @param o.gateways that each publisher's messages arrive at
 */
export function estimateRequests(o: {
  seconds: number
  reuseSeconds: number
  gateways: number
  topics: readonly { name: string; publishers: number }[]
}): Estimate {
  const periods = Math.ceil(o.seconds / o.reuseSeconds)
  const topics = o.topics.map(({ name, publishers }) => {
    const requestsPerPeriod = (o.gateways + 1) * publishers
    return { name, publishers, requestsPerPeriod, requests: requestsPerPeriod * periods }
  })
  const requestsPerPeriod = topics.reduce((sum, topic) => sum + topic.requestsPerPeriod, 0)
  return { topics, periods, requestsPerPeriod, requests: requestsPerPeriod * periods }
}
