/** What AWS KMS charges for symmetric requests, as data with its date: AWS's price list. */

export const KMS_PRICES = Object.freeze({
  /** Month in which the list was read. */
  asOf: '2026-09',
  /** USD for 10,000 requests. Regions that are not here have prices that nobody has looked up. */
  usdPer10000Requests: Object.freeze({
    'eu-central-1': 0.03,
    'eu-west-1': 0.03,
    'us-east-1': 0.03,
    'us-west-2': 0.03,
  }) as Readonly<Record<string, number>>,
  /** Requests of a month that cost nothing, of all regions of an account together. */
  freeRequestsPerMonth: 20_000,
  /** A customer managed key; AWS managed ones cost nothing. */
  usdPerKeyAndMonth: 1,
})
